using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Access;

/// <summary><c>POST /session</c> puts a token into a cookie, for an <c>EventSource</c>, which sends no headers; <c>DELETE /session</c> ends that.</summary>
internal static class Session
{
    /// <summary>Reason for who sends an API key where a token is needed.</summary>
    private const string ApiKeySent = "api-key";

    public static void MapSession(this IEndpointRouteBuilder app)
    {
        app.MapPost("/session", BeginAsync).Needs(NeedKind.Credential).WithName("BeginSession");
        // Whoever signs out gets rid of the cookie in any case, of one that has expired or was revoked too.
        app.MapDelete("/session", EndAsync).Needs(NeedKind.Nothing).WithName("EndSession");
    }

    private static async Task<IResult> BeginAsync(HttpContext context, AccessRefusal access, SessionStore sessions, CredentialService credentials, TimeProvider time)
    {
        context.Response.Headers.CacheControl = "no-store";
        var caller = context.Features.GetRequiredFeature<Caller>();
        if (caller.Source != CredentialSource.Authorization)
        {
            // What a page can do with a cookie alone would make every cookie last for ever.
            await access.WriteAsync(context, AuthReason.NoCredentials, "A session begins, and is renewed, with a token: send 'Authorization: Bearer' with it.");
            return TypedResults.Empty;
        }

        var principal = caller.Principal!;
        if (principal.Kind != CredentialKind.Token)
        {
            return NoToken();
        }

        var now = time.GetUtcNow();
        if (principal.IsEnding(now))
        {
            await access.WriteAsync(context, AuthReason.TokenExpired, "The token has expired.");
            return TypedResults.Empty;
        }

        var token = CredentialHandler.TokenOf(context.Request.Headers.Authorization.ToString());
        if (token.Length > SessionCookie.MaxLength)
        {
            return TypedResults.Problem(
                $"The token has {token.Length} bytes, and a cookie takes at most {SessionCookie.MaxLength}: browsers drop larger ones without a word. Have its issuer leave out claims, or give patterns by Security:Grants.",
                title: "The token is too large for a cookie.",
                statusCode: StatusCodes.Status413PayloadTooLarge);
        }

        if (await InCookieAsync(context.Request, credentials) is { } before)
        {
            await sessions.RenewAsync(before, principal, context.RequestAborted);
        }

        SessionCookie.Set(context, token, TimeSpan.FromSeconds(Math.Floor((principal.ExpiresAt!.Value - now).TotalSeconds)), forOtherSite: ClientOrigin.Of(context) is not null);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> EndAsync(HttpContext context, AccessRefusal access, SessionStore sessions, CredentialService credentials)
    {
        context.Response.Headers.CacheControl = "no-store";
        SessionCookie.Delete(context);
        var caller = context.Features.GetRequiredFeature<Caller>();
        try
        {
            // Whatever the header has: with the cookie goes what only it can end.
            if (caller.Source == CredentialSource.Authorization && await InCookieAsync(context.Request, credentials) is { } session)
            {
                await sessions.EndAsync(session, context.RequestAborted);
            }

            return await EndOfCallerAsync(context, caller, access, sessions);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !context.RequestAborted.IsCancellationRequested)
        {
            return Problems.RedisUnavailable(context, "The cookie is gone, but its token may still count elsewhere until it ends. Send the token to DELETE /session again after the time in Retry-After.");
        }
    }

    private static async Task<IResult> EndOfCallerAsync(HttpContext context, Caller caller, AccessRefusal access, SessionStore sessions)
    {
        if (caller.Principal is not { } principal)
        {
            await access.WriteAsync(context, caller.Reason!, caller.Detail!);
            return TypedResults.Empty;
        }

        if (principal.Kind == CredentialKind.None)
        {
            await access.WriteAsync(context, AuthReason.NoCredentials, "There is no session: neither its cookie nor a token was sent.");
            return TypedResults.Empty;
        }

        if (principal.Kind != CredentialKind.Token || caller.Source is not (CredentialSource.Cookie or CredentialSource.Authorization))
        {
            return NoToken();
        }

        await sessions.EndAsync(principal, context.RequestAborted);
        return TypedResults.NoContent();
    }

    /// <summary>Whose token the cookie has, if it is valid.</summary>
    private static async ValueTask<Principal?> InCookieAsync(HttpRequest request, CredentialService credentials) =>
        SessionCookie.TryRead(request, out var token) && token is not null && (await credentials.VerifyAsync(token)).Principal is { Kind: CredentialKind.Token } principal ? principal : null;

    private static ProblemHttpResult NoToken() => Problems.Forbidden(
        "A session is for a token. An API key is for servers: send it in 'Authorization: Bearer' with each request, and keep it out of browsers.",
        KeyValuePair.Create<string, object?>(Problems.Reason, ApiKeySent));
}
