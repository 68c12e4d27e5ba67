using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Finds out who sends a request. The first credential that is there counts; one that is not valid refuses the request, and never
/// makes it a stranger's. Not a scheme of the framework's authentication, which makes a scope of services and a handler for each
/// request: with that a publish costs a tenth more. Its authorization asks for what is found here.
/// </summary>
internal static class CredentialHandler
{
    /// <summary>What the framework is told that somebody is known by.</summary>
    public const string SchemeName = "Sse";

    private const string Bearer = "Bearer ";

    /// <summary>Who asks is known from here on. What an endpoint needs and its caller has is not asked of the framework again.</summary>
    public static void UseCallers(this IApplicationBuilder app)
    {
        var credentials = app.ApplicationServices.GetRequiredService<CredentialService>();
        app.Use((context, next) =>
        {
            if (Caller.IsCanary(context))
            {
                context.Features.Set(Caller.Canary);
                if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
                {
                    tags.MetricsDisabled = true;
                }

                return ContinueAsync(context, next);
            }

            var finding = FindAsync(context.Request, credentials);
            if (!finding.IsCompletedSuccessfully)
            {
                return AwaitAsync(finding.AsTask(), context, next);
            }

            var caller = finding.Result;
            if (ReferenceEquals(caller, credentials.Stranger) && credentials.Reads && Ticket.Find(context.Request.QueryString) is { } ticket)
            {
                return AwaitAsync(FindTicketAsync(context, credentials, ticket), context, next);
            }

            context.Features.Set(caller);
            return ContinueAsync(context, next);
        });

        async Task AwaitAsync(Task<Caller> finding, HttpContext context, RequestDelegate next)
        {
            context.Features.Set(await finding);
            await ContinueAsync(context, next);
        }

        Task ContinueAsync(HttpContext context, RequestDelegate next) =>
            context.GetEndpoint() is RouteEndpoint { RequestDelegate: { } answer } endpoint && endpoint.Metadata.GetMetadata<Need>() is { } need && NeedHandler.IsMet(context, need.Kind, credentials)
                ? answer(context)
                : next(context);
    }

    /// <summary>Which credential counts: the first that is there, be it empty. Only where there is none of these does a ticket.</summary>
    public static CredentialSource SourceOf(HttpRequest request) =>
        request.Headers.Authorization.Count > 0 ? CredentialSource.Authorization
        : SessionCookie.IsSent(request) ? CredentialSource.Cookie
        : CredentialSource.None;

    /// <summary>Who sends the request. A gateway asks it too, to count by it.</summary>
    public static ValueTask<Caller> FindAsync(HttpRequest request, CredentialService credentials)
    {
        if (!credentials.Reads)
        {
            return ValueTask.FromResult(credentials.Stranger);
        }

        switch (SourceOf(request))
        {
            case CredentialSource.None:
                return ValueTask.FromResult(credentials.Stranger);
            case CredentialSource.Cookie:
                SessionCookie.TryRead(request, out var token);
                return FromCookieAsync(token, credentials);
        }

        if (request.Headers.Authorization is not [{ } header] || !header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return ValueTask.FromResult(new Caller(null, AuthReason.TokenInvalid, "One 'Authorization: Bearer' with a token or an API key is read, and nothing else.", CredentialSource.Authorization));
        }

        // Whoever publishes does so again, over the same connection; a stream has it for itself, and would only keep what is remembered.
        var connection = HttpMethods.IsPost(request.Method) ? request.HttpContext.Features.Get<ConnectionSlot>() : null;
        if (connection?.Known is KnownCaller known && known.IsOf(header, credentials))
        {
            return ValueTask.FromResult(known.Caller);
        }

        var verifying = credentials.VerifyAsync(TokenOf(header));
        return verifying.IsCompletedSuccessfully ? ValueTask.FromResult(Remember(verifying.Result, header, connection, credentials)) : AwaitAsync(verifying, header, connection, credentials);

        static async ValueTask<Caller> AwaitAsync(ValueTask<Verification> verifying, string header, ConnectionSlot? connection, CredentialService credentials) =>
            Remember(await verifying, header, connection, credentials);

        static Caller Remember(Verification found, string header, ConnectionSlot? connection, CredentialService credentials)
        {
            var caller = new Caller(found.Principal, found.Reason, found.Detail, CredentialSource.Authorization);
            if (connection is not null && found.Principal is not null)
            {
                connection.Known = new KnownCaller(header, caller, credentials);
            }

            return caller;
        }
    }

    /// <param name="header">An <c>Authorization</c> that was found to be valid.</param>
    public static string TokenOf(string header) => header[Bearer.Length..].Trim(' ');

    private static async ValueTask<Caller> FromCookieAsync(string? token, CredentialService credentials)
    {
        // An API key is a server's and lives for years: it has no business in a browser.
        var (principal, reason, detail) = token is null ? Verification.Refused(AuthReason.TokenInvalid, $"There are two cookies {SessionCookie.Name} with different tokens. Delete them with 'DELETE /session', and sign in again.")
            : token.StartsWith(ApiKey.Prefix, StringComparison.Ordinal) ? Verification.Refused(AuthReason.TokenInvalid, $"The cookie {SessionCookie.Name} holds a token, never an API key.")
            : await credentials.VerifyAsync(token);
        return new Caller(principal, reason, detail, CredentialSource.Cookie);
    }

    private static async Task<Caller> FindTicketAsync(HttpContext context, CredentialService credentials, string text)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<TakesTickets>() is null)
        {
            return Refused(AuthReason.TokenInvalid, $"A ticket opens its stream (GET {EventStreams.Path}) and nothing else. {AccessRefusal.SendOne}");
        }

        try
        {
            if (!context.RequestServices.GetRequiredService<RedisStatus>().IsConnected)
            {
                return Unreachable();
            }

            // Not in the constructor: hardly a request has one.
            if (await context.RequestServices.GetRequiredService<TicketStore>().FindAsync(text, CancellationToken.None) is not { } ticket)
            {
                return Refused(TicketStore.Unknown.Reason!, TicketStore.Unknown.Detail!);
            }

            var (principal, reason, detail) = credentials.Verify(ticket);
            return new Caller(principal, reason, detail, CredentialSource.Ticket) { Ticket = principal is null ? null : ticket };
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Unreachable();
        }

        static Caller Unreachable() => Refused(AuthReason.Redis, "Redis, which has the tickets, is not reachable from this replica. Try again after the time in Retry-After.");

        static Caller Refused(string reason, string detail) => new(null, reason, detail, CredentialSource.Ticket);
    }
}

/// <summary>Decides whether who asks is somebody whom the endpoint can ask about topics.</summary>
internal sealed class NeedHandler(CredentialService credentials) : AuthorizationHandler<Need>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Need requirement)
    {
        if (context.Resource is HttpContext http && IsMet(http, requirement.Kind, credentials))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    /// <summary>Whether the caller of a request has what is needed.</summary>
    public static bool IsMet(HttpContext context, NeedKind kind, CredentialService credentials) => kind switch
    {
        NeedKind.Nothing => true,
        NeedKind.Cluster => SignedRequest.Is(context, RequestPurpose.Relay),
        NeedKind.Credential => context.Features.Get<Caller>() is { Principal.Kind: not CredentialKind.None },
        NeedKind.Subscribe => context.Features.Get<Caller>()?.Principal is { } principal && principal.Grants.Subscribe.Count + credentials.Anonymous.Grants.Subscribe.Count > 0,
        NeedKind.Publish => context.Features.Get<Caller>()?.Principal is { } principal && principal.Grants.Publish.Count + credentials.Anonymous.Grants.Publish.Count > 0,
        // Operators have a listener of their own, which asks for their key before it looks for an endpoint.
        _ => false,
    };
}

/// <summary>Answers what was not let in.</summary>
internal sealed class RefusalHandler(AccessRefusal refusal, ForgedRecords forged) : IAuthorizationMiddlewareResultHandler
{
    private const string MayNotPublish =
        "This credential may not publish to any topic. Send one that may: a token with patterns of topics in the claim 'sse_publish' (Security:PublishClaim), or an API key made with 'keys add … --publish'. GET /whoami says what this one may.";

    private const string MayNotSubscribe =
        "This credential may not subscribe to any topic. Send one that may: a token with patterns of topics in the claim 'sse_subscribe' (Security:SubscribeClaim), or an API key made with 'keys add … --subscribe'. GET /whoami says what this one may.";

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        // Where nothing of ours is, the framework says so: 404, or 405 with what the path takes.
        if (authorizeResult.Succeeded || context.GetEndpoint() is not RouteEndpoint)
        {
            return next(context);
        }

        if (policy.Requirements.OfType<Need>().FirstOrDefault() is not { Kind: NeedKind.Credential or NeedKind.Subscribe or NeedKind.Publish } need)
        {
            // For everybody but the parts of the cluster there is nothing here.
            if (context.Request.Headers.Upgrade.Count > 0)
            {
                forged.Add(ForgedKind.Relay, context.Connection.RemoteIpAddress?.ToString() ?? "", "it is not signed for a relay connection");
            }

            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        var caller = context.Features.Get<Caller>();
        return caller?.Reason is { } reason ? refusal.WriteAsync(context, reason, caller.Detail!)
            : caller is { Principal.Kind: not CredentialKind.None } ? refusal.WriteAsync(context, AuthReason.TopicDenied, need.Kind == NeedKind.Publish ? MayNotPublish : MayNotSubscribe)
            : refusal.WriteAsync(context, AuthReason.NoCredentials, AccessRefusal.SendOne);
    }
}
