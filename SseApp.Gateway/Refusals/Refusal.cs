namespace SseApp.Gateway.Refusals;

/// <summary>
/// Why the gateway cannot serve a request now, although the request is right. Replicas have reasons of their own
/// (<c>RefusalReason</c> in SseApp.Events); docs/protocol.md#refusals has all of them.
/// </summary>
/// <param name="Reason">For programs: <c>reason</c> of <c>stream.unavailable</c> and label of the metric.</param>
/// <param name="Status">Status for clients other than an EventSource: 429, 500, 502, 503 or 504.</param>
/// <param name="Detail">For people.</param>
internal sealed record Refusal(string Reason, int Status, string Detail)
{
    public static readonly Refusal NoReplica = new(
        "no-replica", StatusCodes.Status503ServiceUnavailable, "No server is ready to take this request.");

    public static readonly Refusal Unreachable = new(
        "replica-unreachable", StatusCodes.Status502BadGateway, "The server for this request is unreachable or closed the connection.");

    public static readonly Refusal TimedOut = new(
        "replica-timeout", StatusCodes.Status504GatewayTimeout, "The server that took this request did not answer in time.");

    public static readonly Refusal Stopping = new(
        "gateway-stopping", StatusCodes.Status503ServiceUnavailable, "This gateway is stopping.");

    public static readonly Refusal Failed = new(
        "gateway-error", StatusCodes.Status500InternalServerError, "This gateway failed; its log says why.");

    public static readonly Refusal RequestTimedOut = new(
        "request-timeout", StatusCodes.Status504GatewayTimeout, "The request took longer than this gateway allows (Limits:RequestTimeout).");

    public static readonly Refusal TooManyStreams = new(
        "address-streams", StatusCodes.Status429TooManyRequests, "Too many streams of this client are open (Limits:StreamsPerAddress).");

    public static readonly Refusal GatewayFull = new(
        "gateway-streams", StatusCodes.Status503ServiceUnavailable, "This gateway holds as many streams as it may (Limits:StreamsPerGateway).");

    public static readonly Refusal OpenFiles = new(
        "open-files", StatusCodes.Status503ServiceUnavailable, "This gateway has as many connections as its limit of open files allows (ulimit -n, LimitNOFILE=, ulimits.nofile).");

    public static readonly Refusal Viewers = new(
        "viewers", StatusCodes.Status503ServiceUnavailable, "As many operators look at this gateway's state as may (LiveState:MaxViewers). Close a console that nobody looks at.");

    public static readonly Refusal ConnectRate = new(
        "connect-rate", StatusCodes.Status429TooManyRequests, "This client opens streams too fast (Limits:ConnectsPerSecond, ConnectBurst).");

    public static readonly Refusal Topics = new(
        "topics", StatusCodes.Status429TooManyRequests, "The streams of this client have too many topics, those of the last minute included (Limits:TopicsPerAddress).");

    public static readonly Refusal ReadRate = new(
        "read-rate", StatusCodes.Status429TooManyRequests, "This client reads topics too fast, too much of them, or too many at once (Limits:ReadsPerSecond, ReadBytesPerSecond, ReadsAtOnce).");

    public static readonly Refusal PublishRate = new(
        "publish-rate", StatusCodes.Status429TooManyRequests,
        "This client publishes too much (Limits:EventsPerSecond, EventBurst, StoredBytesPerSecond); each topic of each item of a batch counts.");

    public static readonly Refusal[] All =
    [
        NoReplica, Unreachable, TimedOut, Stopping, Failed, RequestTimedOut, TooManyStreams, GatewayFull, OpenFiles, ConnectRate, Topics, ReadRate, PublishRate,
    ];
}
