using System.Net;

namespace SseApp.Gateway.AccessLog;

/// <summary>A request that has ended.</summary>
internal sealed record AccessLogEntry
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset Time { get; init; }

    public required TimeSpan Duration { get; init; }

    public required IPAddress? Client { get; init; }

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

    /// <summary>Events of an event stream; null for other responses.</summary>
    public required long? Events { get; init; }

    /// <summary>Whether the client ended it, not the gateway or the replica.</summary>
    public required bool ClientLeft { get; init; }

    /// <summary>Destination that answered; null when the gateway did.</summary>
    public required string? Replica { get; init; }

    public required string UserAgent { get; init; }

    public required string Referer { get; init; }

    public required string RequestId { get; init; }
}
