using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;

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

    /// <summary>Credentials, and what may be one, are left out.</summary>
    /// <param name="context">The request.</param>
    /// <param name="path">As the client sent it.</param>
    /// <param name="traffic">What was sent.</param>
    /// <param name="beganAt">When it came.</param>
    /// <param name="duration">How long it took.</param>
    /// <param name="status">Of the answer.</param>
    /// <param name="options">What of the query is shown.</param>
    public static AccessLogEntry Of(HttpContext context, string path, ResponseTraffic traffic, DateTimeOffset beganAt, TimeSpan duration, int status, AccessLogOptions options)
    {
        var request = context.Request;
        return new AccessLogEntry
        {
            Time = beganAt.UtcDateTime,
            DurationMs = Math.Round(duration.TotalMilliseconds, 3),
            Client = context.Connection.RemoteIpAddress?.ToString(),
            Method = CredentialText.Hide(request.Method ?? ""),
            Scheme = request.Scheme ?? "",
            Host = CredentialText.Hide(UserInfo.HideInAddress(request.Host.Value ?? "")),
            Path = CredentialText.HideAnywhere(LoggedUrl.Path(path)),
            Query = CredentialText.Hide(LoggedUrl.Query(request.QueryString.Value ?? "", options.ShownQuery, options.HiddenQuery)),
            Protocol = request.Protocol ?? "",
            Status = status,
            Bytes = HttpMethods.IsHead(request.Method ?? "") ? 0 : traffic.Bytes,
            Events = traffic.Events,
            ClientLeft = context.RequestAborted.IsCancellationRequested,
            Replica = context.Features.Get<IReverseProxyFeature>()?.ProxiedDestination?.DestinationId,
            UserAgent = CredentialText.HideAnywhere(HeaderText.Readable(UserInfo.Hide(request.Headers.UserAgent.ToString()))),
            Referer = CredentialText.HideAnywhere(HeaderText.Readable(LoggedUrl.Referer(request.Headers.Referer.ToString()))),
            RequestId = Problems.RequestId(context),
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AccessLogEntry))]
internal sealed partial class AccessLogJsonContext : JsonSerializerContext
{
    /// <summary>Escapes only what would break the line or JSON itself; the reader of a log is no web page.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
