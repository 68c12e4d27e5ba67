using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>A ticket that a request brought, without its text: it stands under its SHA-256 wherever it is kept.</summary>
/// <param name="Hash">SHA-256 of the text, in base64url.</param>
/// <param name="Principal">Who asked for it, with no right but to read <paramref name="Topics"/>, until the ticket's end.</param>
/// <param name="Topics">Sorted; a stream has these and no others.</param>
internal sealed record Ticket(string Hash, Principal Principal, string[] Topics)
{
    private const string Parameter = "ticket";
    private const int Bytes = 32;
    private const int Length = 43;

    /// <summary>A new one's text: to be handed out once, and kept nowhere.</summary>
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>Its bits are random, so nothing slower is needed; the same as for API keys.</summary>
    public static string HashOf(string text) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    public static bool IsValid(string text) => text.Length == Length && Base64Url.IsValid(text, out var bytes) && bytes == Bytes;

    /// <summary>The URL of its stream.</summary>
    public static string UrlOf(string text, IEnumerable<string> topics) =>
        $"{EventStreams.Path}?{string.Concat(topics.Select(topic => $"topic={Uri.EscapeDataString(topic)}&"))}{Parameter}={text}";

    /// <summary>The ticket in a query; null if there is none, empty if there are several.</summary>
    public static string? Find(QueryString query)
    {
        if (!query.HasValue)
        {
            return null;
        }

        string? found = null;
        // Not the request's query, which would be kept as long as the stream.
        foreach (var pair in new QueryStringEnumerable(query.Value))
        {
            if (pair.DecodeName().Span.Equals(Parameter, StringComparison.OrdinalIgnoreCase))
            {
                found = found is null ? pair.DecodeValue().ToString() : "";
            }
        }

        return found;
    }
}

/// <summary>
/// How a ticket lies in Redis, signed: its topics, sorted; its end, no later than that of the credential it was made with; and of that
/// credential's principal what a revocation is looked up by.
/// </summary>
internal sealed record TicketBody(
    CredentialKind Kind,
    string Key,
    string? Name,
    string? Issuer,
    string? TokenId,
    string? Fingerprint,
    string? SigningKeyId,
    string? ApiKeyId,
    DateTimeOffset? IssuedAt,
    string[] Topics,
    DateTimeOffset EndsAt)
{
    public static TicketBody Of(Principal principal, string[] topics, DateTimeOffset endsAt) => new(
        principal.Kind,
        principal.Key,
        principal.Name,
        principal.Issuer,
        principal.TokenId,
        principal.Fingerprint,
        principal.SigningKeyId,
        principal.ApiKeyId,
        principal.IssuedAt,
        topics,
        endsAt);

    public Ticket ToTicket(string hash) => new(
        hash,
        new Principal
        {
            Kind = Kind,
            Key = Key,
            Name = Name,
            Issuer = Issuer,
            TokenId = TokenId,
            Fingerprint = Fingerprint,
            SigningKeyId = SigningKeyId,
            ApiKeyId = ApiKeyId,
            IssuedAt = IssuedAt,
            ExpiresAt = EndsAt,
            Ticket = hash,
            Grants = new Grants(Topics, [], []),
        },
        Topics);
}

/// <summary>Says that a stream is over because its ticket has opened another one. Repeated it does nothing: no two streams have one id.</summary>
internal sealed record TicketTaken(string Stream);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(TicketBody))]
[JsonSerializable(typeof(TicketTaken))]
internal sealed partial class TicketJsonContext : JsonSerializerContext;
