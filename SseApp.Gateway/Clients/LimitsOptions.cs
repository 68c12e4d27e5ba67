namespace SseApp.Gateway.Clients;

/// <summary>Section <c>Limits</c>. A number of 0 means no limit where that is said.</summary>
public sealed class LimitsOptions : IValidatableObject
{
    public const string SectionName = "Limits";

    /// <summary>
    /// Streams open at once from one client address; further EventSources are asked to reconnect later, other clients get 429.
    /// Default 100; 0: no limit. Raise it where many users share one address.
    /// </summary>
    [Range(0, 10_000_000)]
    public int StreamsPerAddress { get; set; } = 100;

    /// <summary>Streams open at once through this gateway; further ones are refused with 503. Default 50 000; 0: no limit.</summary>
    [Range(0, 10_000_000)]
    public int StreamsPerGateway { get; set; } = 50_000;

    /// <summary>Streams that one client address may open per second, beyond <see cref="ConnectBurst"/>. Default 50; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int ConnectsPerSecond { get; set; } = 50;

    /// <summary>Streams that one client address may open at once before <see cref="ConnectsPerSecond"/> counts. Default 200.</summary>
    [Range(1, 10_000_000)]
    public int ConnectBurst { get; set; } = 200;

    /// <summary>Publish requests per second and client, beyond <see cref="PublishBurst"/>; a batch is one. Default 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int PublishesPerSecond { get; set; }

    /// <summary>Publish requests that a client may send at once before <see cref="PublishesPerSecond"/> counts. Default 100.</summary>
    [Range(1, 10_000_000)]
    public int PublishBurst { get; set; } = 100;

    /// <summary>What counts as one publishing client. Default its address.</summary>
    public PublishClient PublishClient { get; set; } = PublishClient.Address;

    /// <summary>
    /// Bits of an IPv6 address that make one client, for limits and for <c>Balancing:HashKey=ip</c>: a household has at least
    /// 2^64 addresses to choose from. Default 64; 48 to 128.
    /// </summary>
    [Range(48, 128)]
    public int IPv6PrefixLength { get; set; } = 64;

    /// <summary>
    /// Largest request body in bytes; a larger one is 413. Default 16 MiB, which a full batch of events of ordinary size
    /// does not reach. 1 KiB to 1 GiB.
    /// </summary>
    [Range(1024L, 1L << 30)]
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// Longest request line in bytes, that is the URL and about 15 more; a longer one is 414. Default 64 KiB: 64 topics of the
    /// longest names, each character encoded, with an id. 1 KiB to 256 KiB.
    /// </summary>
    [Range(1024, 256 * 1024)]
    public int MaxRequestLineBytes { get; set; } = 64 * 1024;

    /// <summary>Largest request head in bytes, the request line not counted; a larger one is 431. Default 32 KiB. 1 KiB to 1 MiB.</summary>
    [Range(1024, 1 << 20)]
    public int MaxRequestHeaderBytes { get; set; } = 32 * 1024;

    /// <summary>Time that a client may take to send a request's head. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan RequestHeadersTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Time that an idle connection is kept for its next request. Default 130 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>Time that a request may take as a whole, streams excepted; then it is 504. Default 100 s; 0: no limit.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// Bytes a second at which a client must take a response that is no event stream, after five seconds; a slower one is cut off.
    /// Over HTTP/1.1: over HTTP/2 and HTTP/3 only the request's time ends it. Default 240; 0: no limit.
    /// </summary>
    [Range(0, 1024 * 1024 * 1024)]
    public int MinResponseRate { get; set; } = 240;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (ConnectsPerSecond > 0 && ConnectBurst < ConnectsPerSecond)
        {
            yield return BurstTooSmall(nameof(ConnectBurst), ConnectBurst, nameof(ConnectsPerSecond), ConnectsPerSecond);
        }

        if (PublishesPerSecond > 0 && PublishBurst < PublishesPerSecond)
        {
            yield return BurstTooSmall(nameof(PublishBurst), PublishBurst, nameof(PublishesPerSecond), PublishesPerSecond);
        }
    }

    private static ValidationResult BurstTooSmall(string burst, int burstValue, string rate, int rateValue) => new(
        $"{SectionName}:{burst} ({burstValue}) must not be less than {rate} ({rateValue}), or a client that keeps to the rate is refused.", [burst]);
}

/// <summary>What the publish rate is counted by.</summary>
public enum PublishClient
{
    /// <summary>The client's address.</summary>
    Address,

    /// <summary>
    /// The credential in <c>Authorization</c> or <c>X-Api-Key</c>, and the address where there is none. Only for services
    /// that check the credential: the gateway does not, and a client that sends a new credential with each request is never limited.
    /// </summary>
    Credential,
}
