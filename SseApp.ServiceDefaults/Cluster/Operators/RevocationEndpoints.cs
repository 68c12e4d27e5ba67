using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary><c>/admin/revocations</c>, the same at gateways and replicas: what one of them takes counts everywhere within two seconds.</summary>
internal static class RevocationEndpoints
{
    private const int MaxBody = 16 * 1024;

    public static void MapRevocations(this IEndpointRouteBuilder admin)
    {
        admin.MapPost("/revocations", RevokeAsync);
        admin.MapGet("/revocations", List);
    }

    private static async Task<IResult> RevokeAsync(HttpContext context, RevocationStore store, CredentialService credentials, TimeProvider time)
    {
        var (request, rule) = await ReadAsync(context, time.GetUtcNow());
        if (request is not { } revocation)
        {
            return TypedResults.Problem(rule, title: "The revocation is not valid.", statusCode: StatusCodes.Status400BadRequest);
        }

        if (context.Features.Get<OperatorRequest>() is { } operators)
        {
            operators.Detail = revocation.ToString();
        }

        // The form of an id is that of many names, and nobody would notice that the key goes on.
        if (revocation.Kind is RevocationKind.ApiKey && credentials.IsOnlyKeyName(revocation.Value))
        {
            return TypedResults.Problem(
                "The value is the name of an API key; send the id of each that is meant, as 'keys list' prints it. Nothing was revoked.", title: "The revocation is not valid.", statusCode: StatusCodes.Status400BadRequest);
        }

        if (revocation.Kind is RevocationKind.ApiKey && credentials.UnknownKey(revocation.Value) is { } unknown)
        {
            return TypedResults.Problem(unknown, title: "There is no such API key.", statusCode: StatusCodes.Status404NotFound);
        }

        try
        {
            if (revocation.Kind is not RevocationKind.Ticket && await store.IsTicketAsync(revocation.Value, context.RequestAborted))
            {
                return TypedResults.Problem(
                    "The value is a ticket, which is taken back as {\"ticket\":\"…\"}. Nothing was revoked.", title: "The revocation is not valid.", statusCode: StatusCodes.Status400BadRequest);
            }

            var stored = await store.RevokeAsync(revocation.Kind, revocation.Value, revocation.Issuer, revocation.IssuedBefore, context.RequestAborted);
            return TypedResults.Json(stored, RevocationListJsonContext.Default.Revocation);
        }
        catch (Exception exception) when (RedisErrors.IsFull(exception))
        {
            return Later(
                context,
                "redis-full",
                "It counts in every process that runs now, but Redis has no room to keep it: a process that starts would not know. They store it as soon as there is room; or make room, and send it again.");
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !context.RequestAborted.IsCancellationRequested)
        {
            return Later(context, "redis", "Redis, through which all processes learn of it, does not answer. Whether it counts is not known; send it again after the time in Retry-After.");
        }
    }

    private static IResult List(Revocations known, string? after = null, int limit = Paging.DefaultLimit)
    {
        if (!Paging.IsValid(limit))
        {
            return TypedResults.Problem(Paging.Rule, title: "The page is not valid.", statusCode: StatusCodes.Status400BadRequest);
        }

        (string Id, Revocation Revocation)[] page = [.. known.All
            .Select(revocation => (revocation.Name.Id, Revocation: revocation))
            .Where(pair => after is null || string.CompareOrdinal(pair.Id, after) > 0)
            .OrderBy(pair => pair.Id, StringComparer.Ordinal)
            .Take(limit)];
        return TypedResults.Json(
            new RevocationPage([.. page.Select(pair => pair.Revocation)], page.Length == limit ? page[^1].Id : null), RevocationListJsonContext.Default.RevocationPage);
    }

    private static async Task<(RevocationRequest? Request, string? Rule)> ReadAsync(HttpContext context, DateTimeOffset now)
    {
        var reader = context.Request.BodyReader;
        var read = await reader.ReadAtLeastAsync(MaxBody + 1, context.RequestAborted);
        try
        {
            if (read.Buffer.Length > MaxBody)
            {
                return (null, $"The body has more than {MaxBody} bytes. {RevocationRequest.Forms}");
            }

            using var json = JsonDocument.Parse(read.Buffer, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            return RevocationRequest.Parse(json.RootElement, now);
        }
        catch (JsonException)
        {
            return (null, $"The body is no JSON object, or names a member twice. {RevocationRequest.Forms}");
        }
        finally
        {
            reader.AdvanceTo(read.Buffer.End);
        }
    }

    private static ProblemHttpResult Later(HttpContext context, string reason, string detail)
    {
        context.Response.Headers.RetryAfter = "2";
        return TypedResults.Problem(detail, statusCode: StatusCodes.Status503ServiceUnavailable, extensions: [KeyValuePair.Create<string, object?>("reason", reason)]);
    }
}

/// <summary>What an operator takes back.</summary>
internal sealed record RevocationRequest(RevocationKind Kind, string Value, string? Issuer, DateTimeOffset? IssuedBefore)
{
    public const string Forms =
        """Send one of {"jti":"…"}, {"sub":"…","issuedBefore":"2026-01-31T12:00:00Z"}, {"apiKey":"the id"} and {"ticket":"…"}; the first two may have an "issuer", and issuedBefore is now unless it is there.""";

    private const string Jti = "jti";
    private const string Sub = "sub";
    private const string ApiKeyId = "apiKey";
    private const string TicketText = "ticket";
    private const string IssuerName = "issuer";
    private const string Before = "issuedBefore";

    // Clocks differ. What lies further ahead would lock somebody out who signs in later.
    private static readonly TimeSpan s_maxAhead = TimeSpan.FromMinutes(5);

    /// <summary>For the audit log: without what may be a credential. Of a ticket it is the SHA-256 that stands here.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Kind} '{(Kind == RevocationKind.Ticket ? Value : CredentialText.Hide(Value))}'{(Issuer is null ? "" : $" of {CredentialText.Hide(Issuer)}")}{(IssuedBefore is { } before ? $" issued before {before:yyyy-MM-ddTHH:mm:ssZ}" : "")}");

    /// <returns>The rule that is broken instead.</returns>
    public static (RevocationRequest? Request, string? Rule) Parse(JsonElement json, DateTimeOffset now)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return (null, Forms);
        }

        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        DateTimeOffset? before = null;
        foreach (var member in json.EnumerateObject())
        {
            if (member.Name is not (Jti or Sub or ApiKeyId or TicketText or IssuerName or Before))
            {
                return (null, $"There is a member that no revocation has. {Forms}");
            }

            if (Text(member.Value) is not { } value)
            {
                return (null, $"'{member.Name}' is a text of 1 to {RevokedName.MaxLength} characters, none of which is a control character.");
            }

            if (CredentialText.Holds(value))
            {
                return (null, InsteadOf(member.Name));
            }

            members[member.Name] = value;
            if (member.Name == Before)
            {
                before = Time(member.Value, value);
            }
        }

        if (members.Keys.Where(name => name is Jti or Sub or ApiKeyId or TicketText).ToArray() is not [var kind])
        {
            return (null, $"Exactly one of 'jti', 'sub', 'apiKey' and 'ticket' says what is revoked. {Forms}");
        }

        var issuer = members.GetValueOrDefault(IssuerName);
        if ((issuer is not null && kind is ApiKeyId or TicketText) || (members.ContainsKey(Before) && kind != Sub))
        {
            return (null, $"'{(kind is ApiKeyId or TicketText && issuer is not null ? IssuerName : Before)}' is no part of a revocation by '{kind}'. {Forms}");
        }

        switch (kind)
        {
            case Jti:
                return (new(RevocationKind.TokenId, members[Jti], issuer, null), null);
            case ApiKeyId:
                return ApiKey.IsId(members[ApiKeyId])
                    ? (new(RevocationKind.ApiKey, members[ApiKeyId], null, null), null)
                    : (null, "'apiKey' is the id of a key: the part between the two '_', as 'keys list' prints it, and not the whole key.");
            case TicketText:
                return Ticket.IsValid(members[TicketText])
                    ? (new(RevocationKind.Ticket, Ticket.HashOf(members[TicketText]), null, null), null)
                    : (null, "'ticket' is the ticket that POST /tickets gave, which is also in the URL of its stream.");
            default:
                var moment = members.ContainsKey(Before) ? before : now;
                return moment - now <= s_maxAhead
                    ? (new(RevocationKind.Subject, members[Sub], issuer, moment), null)
                    : (null, $"'{Before}' is a time with its offset (ISO 8601, such as 2026-01-31T12:00:00Z), at most {s_maxAhead.TotalMinutes:0} minutes ahead of now.");
        }
    }

    private static string? Text(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String && json.GetString() is { Length: > 0 } text && RevokedName.IsText(text) ? text : null;
        }
        catch (InvalidOperationException)
        {
            // Half of a pair of surrogates.
            return null;
        }
    }

    // Without an offset it would be the time of some machine.
    private static DateTimeOffset? Time(JsonElement json, string text) =>
        json.TryGetDateTimeOffset(out var time) && text.IndexOf('T', StringComparison.Ordinal) is > 0 and var start && text.AsSpan(start).ContainsAny('Z', '+', '-') ? time.ToUniversalTime() : null;

    // A text of 43 digits is not refused here, although a ticket has that form: subjects and ids of some issuers have it, too. Redis is asked.
    private static string InsteadOf(string member) => $"The value of '{member}' holds an API key or a token, and neither is to be sent. " + member switch
    {
        Jti => "'jti' is the id that stands in the token, not the token; to take back an API key send its id in 'apiKey'.",
        Sub => "'sub' is the name of the user that stands in the token; one token is taken back by its 'jti', an API key by its id in 'apiKey'.",
        ApiKeyId => "'apiKey' is the id of a key: the part between the two '_', as 'keys list' prints it, and not the whole key.",
        TicketText => "'ticket' is the ticket that POST /tickets gave, which is also in the URL of its stream.",
        IssuerName => "'issuer' is the 'iss' of the tokens.",
        _ => $"'{Before}' is a time with its offset (ISO 8601, such as 2026-01-31T12:00:00Z).",
    };
}

/// <summary>Answer of <c>GET /admin/revocations</c>.</summary>
/// <param name="Revocations">What this process knows to be revoked, in an order that does not change.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last.</param>
internal sealed record RevocationPage(Revocation[] Revocations, string? Next);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RevocationPage))]
internal sealed partial class RevocationListJsonContext : JsonSerializerContext;
