using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Access;

/// <summary><c>GET /whoami?topic=</c>: who the service takes the client for, and which pattern lets it use a topic.</summary>
internal static class WhoAmI
{
    public static void MapWhoAmI(this IEndpointRouteBuilder app) => app.MapGet("/whoami", Describe).Needs(NeedKind.Nothing).WithName("WhoAmI");

    private static async Task<IResult> Describe(HttpContext context, CredentialService credentials, AccessRefusal access)
    {
        context.Response.Headers.CacheControl = "no-store";
        var caller = context.Features.GetRequiredFeature<Caller>();
        if (caller.Principal is not { } principal)
        {
            await access.WriteAsync(context, caller.Reason!, caller.Detail!);
            return TypedResults.Empty;
        }

        if (principal.Kind == CredentialKind.None && credentials.OpenWarning is null)
        {
            await access.WriteAsync(context, AuthReason.NoCredentials, AccessRefusal.SendOne);
            return TypedResults.Empty;
        }

        var topics = context.Request.Query["topic"];
        if (topics.FirstOrDefault(topic => !TopicName.IsValid(topic!)) is not null)
        {
            return Problems.BadRequest("A topic is not valid.", TopicName.Rule);
        }

        return TypedResults.Json(
            new Identity(
                principal.Kind switch { CredentialKind.Token => "token", CredentialKind.ApiKey => "api-key", _ => "anonymous" },
                caller.Source switch { CredentialSource.Authorization => "authorization", CredentialSource.Cookie => "cookie", _ => "none" },
                principal.Name,
                principal.Issuer,
                principal.ApiKeyId,
                principal.ExpiresAt,
                principal.Grants.Subscribe,
                principal.Grants.Publish,
                principal.Grants.Scopes,
                credentials.Anonymous.Grants.Subscribe,
                credentials.OpenWarning,
                [.. topics.Distinct(StringComparer.Ordinal).Select(topic => new TopicRights(topic!, credentials.SubscribedBy(principal, topic!), credentials.PublishedBy(principal, topic!)))]),
            AccessJsonContext.Default.Identity);
    }
}

/// <summary>Answer of <c>GET /whoami</c>.</summary>
/// <param name="Kind"><c>token</c>, <c>api-key</c> or <c>anonymous</c>.</param>
/// <param name="Source">Where the credential was.</param>
/// <param name="Name">The token's <c>sub</c>, or the name of the API key.</param>
/// <param name="Issuer">Who made the token.</param>
/// <param name="ApiKeyId">The part of the API key that is no secret.</param>
/// <param name="ExpiresAt">When it ends; null: never.</param>
/// <param name="Subscribe">Patterns of topics that it may subscribe to.</param>
/// <param name="Publish">Patterns of topics that it may publish to.</param>
/// <param name="Scopes">What else it may.</param>
/// <param name="Public">Patterns of topics that everybody may subscribe to.</param>
/// <param name="Warning">Said of a service that is open to everybody.</param>
/// <param name="Topics">The topics that were asked about.</param>
internal sealed record Identity(
    string Kind,
    string Source,
    string? Name,
    string? Issuer,
    string? ApiKeyId,
    DateTimeOffset? ExpiresAt,
    IReadOnlyList<string> Subscribe,
    IReadOnlyList<string> Publish,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> Public,
    string? Warning,
    TopicRights[] Topics);

/// <summary>The patterns that let a topic in; null: none does.</summary>
internal sealed record TopicRights(string Topic, string? Subscribe, string? Publish);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Identity))]
internal sealed partial class AccessJsonContext : JsonSerializerContext;
