using System.Text.Encodings.Web;
using System.Text.Json.Serialization;

namespace SseApp.Gateway.AccessLog;

/// <summary>A request that has ended, as one line of JSON. Names of fields are a contract with whoever reads the log.</summary>
internal sealed record AccessLogEntry
{
    /// <summary>When it began, UTC.</summary>
    public required DateTime Time { get; init; }

    public required double DurationMs { get; init; }

    public required string? Client { get; init; }

    public required string Method { get; init; }

    public required string Scheme { get; init; }

    public required string Host { get; init; }

    public required string Path { get; init; }

    /// <summary>With its question mark; empty without a query.</summary>
    public required string Query { get; init; }

    public required string Protocol { get; init; }

    /// <summary>499 when the client left before an answer began, as nginx logs it.</summary>
    public required int Status { get; init; }

    /// <summary>Bytes of the body, as sent: after compression, before TLS and chunk framing.</summary>
    public required long Bytes { get; init; }

    /// <summary>Events of a relayed stream; absent for all other responses.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? Events { get; init; }

    /// <summary>Whether the client ended it, not the gateway or the replica.</summary>
    public required bool ClientLeft { get; init; }

    /// <summary>Destination that answered; null when the gateway did.</summary>
    public required string? Replica { get; init; }

    public required string UserAgent { get; init; }

    public required string Referer { get; init; }

    public required string RequestId { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AccessLogEntry))]
internal sealed partial class AccessLogJsonContext : JsonSerializerContext
{
    /// <summary>Escapes only what would break the line or JSON itself; the reader of a log is no web page.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
