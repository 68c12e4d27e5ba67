using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Clients;

/// <summary>Section <c>Limits</c>. A number of 0 means no limit where that is said.</summary>
public sealed class LimitsOptions : IValidatableObject
{
    public const string SectionName = "Limits";

    private const int LeastRequests = 1_000;

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

    /// <summary>
    /// Events that one client may publish per second, beyond <see cref="EventBurst"/>; an item of a batch counts once for each of
    /// its topics. A batch stores what is left, and its other items get 429. Default 200; 0: no limit.
    /// </summary>
    [Range(0, 10_000_000)]
    public int EventsPerSecond { get; set; } = 200;

    /// <summary>Events that one client may publish at once before <see cref="EventsPerSecond"/> counts. Default 1 000.</summary>
    [Range(1, 100_000_000)]
    public int EventBurst { get; set; } = 1_000;

    /// <summary>
    /// Bytes that the events of one client may take in topic logs per second; an item of a batch counts once for each of its
    /// topics. An event passes whole and is paid back before the next; a batch stores what is left. Default 4 MiB; 0: no limit.
    /// </summary>
    [Range(0, 1 << 30)]
    public int StoredBytesPerSecond { get; set; } = 4 * 1024 * 1024;

    /// <summary>Reads of topics and of their histories that one client may make per second. Default 20; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int ReadsPerSecond { get; set; } = 20;

    /// <summary>
    /// Bytes of answers to reads of topics and of their histories that one client gets per second; an answer passes whole and is paid back before
    /// the next read. Default 4 MiB, which is one history of the largest size; 0: no limit.
    /// </summary>
    [Range(0, 1 << 30)]
    public int ReadBytesPerSecond { get; set; } = 4 * 1024 * 1024;

    /// <summary>Reads of topics and of their histories that one client may have under way at once. Default 8; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int ReadsAtOnce { get; set; } = 8;

    /// <summary>
    /// Refusals (statuses 400 to 499 of the gateway and its replicas, and streams that are refused) that one client gets per second without
    /// delay, and as many at once; further ones come late, by a second at most. What is served is never delayed. Default 20; 0: no delay.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RefusalsPerSecond { get; set; } = 20;

    /// <summary>
    /// Distinct topics of the streams that one client address has open or has closed within the last minute. Default 1 000;
    /// 0: no limit.
    /// </summary>
    [Range(0, 100_000)]
    public int TopicsPerAddress { get; set; } = 1_000;

    /// <summary>
    /// TCP connections open at once from one client address; further ones are closed before TLS. Not for loopback addresses and
    /// for <c>Proxies:Known</c>. Default 256; 0: no limit. <c>Descriptors:MaxConnections</c> is the limit of all together.
    /// </summary>
    [Range(0, 10_000_000)]
    public int ConnectionsPerAddress { get; set; } = 256;

    /// <summary>
    /// Clients with limits of their own, such as a server that publishes for many; the first item that has the address counts.
    /// Default none.
    /// </summary>
    public IList<NamedClient> Clients { get; } = [];

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

    /// <summary>
    /// Time in which a new TCP connection has to send the first byte of its first request; then it is closed. A TLS handshake has
    /// 10 s of its own. Not for <c>Proxies:Known</c>. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan FirstByteTimeout { get; set; } = TimeSpan.FromSeconds(10);

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
    /// Time in which a client must take something of what there is for it, over any version of HTTP; then its connection is closed. Not
    /// while it has a stream, which <c>Streaming:Overflow</c> is about. On Linux. Default 60 s; 1 s to 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(60);

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
            yield return BurstTooSmall($"{SectionName}:", nameof(ConnectBurst), ConnectBurst, nameof(ConnectsPerSecond), ConnectsPerSecond);
        }

        if (EventsPerSecond > 0 && EventBurst < EventsPerSecond)
        {
            yield return BurstTooSmall($"{SectionName}:", nameof(EventBurst), EventBurst, nameof(EventsPerSecond), EventsPerSecond);
        }

        foreach (var twice in Clients.GroupBy(client => client.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Key.Length > 0 && group.Skip(1).Any()))
        {
            yield return new ValidationResult($"{SectionName}:{nameof(Clients)} has '{twice.Key}' more than once; give each client a name of its own.", [nameof(Clients)]);
        }
    }

    /// <summary>
    /// Requests that one connection of HTTP/2 or HTTP/3 may have open: so many that a stream too many is refused by
    /// <see cref="StreamsPerAddress"/>, which says so, and does not wait in the client; and that a proxy has room for its clients.
    /// </summary>
    internal int RequestsPerConnection
    {
        get
        {
            int[] streams = [StreamsPerAddress, .. Clients.Select(client => client.BudgetOf(this).Streams)];
            return streams.Contains(0) ? HttpServerSetup.MaxHttp2Streams : (int)Math.Clamp(2L * streams.Max(), LeastRequests, HttpServerSetup.MaxHttp2Streams);
        }
    }

    /// <summary>What a client has that no item of <see cref="Clients"/> names.</summary>
    internal ClientBudget Budget => new NamedClient().BudgetOf(this);

    internal static ValidationResult BurstTooSmall(string section, string burst, int? burstValue, string rate, int? rateValue) => new(
        $"{section}{burst} ({burstValue}) must not be less than {rate} ({rateValue}), or a client that keeps to the rate is refused.", [burst]);
}

/// <summary>What the publish rate is counted by.</summary>
public enum PublishClient
{
    /// <summary>The client's address.</summary>
    Address,

    /// <summary>
    /// The credential in <c>Authorization</c> or <c>X-Api-Key</c>, and the address where there is none or where
    /// <c>Limits:Clients</c> names it. Only where everybody may publish and a proxy in front checks the credential: the gateway does not
    /// then, and a client that sends a new one with each request is never limited. Where section <c>Security</c> has issuers or keys,
    /// a valid credential counts for its principal in any case.
    /// </summary>
    Credential,
}

/// <summary>An item of <c>Limits:Clients</c>: all its addresses together are one client. What is not set is as for every other client.</summary>
public sealed class NamedClient : IValidatableObject
{
    /// <summary>What the client is called, for those who read the configuration.</summary>
    [Required]
    public string Name { get; set; } = "";

    /// <summary>Its addresses and CIDR ranges (IPv4, IPv6).</summary>
    public IList<string> Addresses { get; } = [];

    /// <summary>As <c>Limits:StreamsPerAddress</c>; 0: no limit.</summary>
    [Range(0, 10_000_000)]
    public int? Streams { get; set; }

    /// <summary>As <c>Limits:TopicsPerAddress</c>; 0: no limit.</summary>
    [Range(0, 100_000)]
    public int? Topics { get; set; }

    /// <summary>As <c>Limits:ConnectionsPerAddress</c>; 0: no limit.</summary>
    [Range(0, 10_000_000)]
    public int? Connections { get; set; }

    /// <summary>As <c>Limits:ConnectsPerSecond</c>; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int? ConnectsPerSecond { get; set; }

    /// <summary>As <c>Limits:ConnectBurst</c>, and at least <see cref="ConnectsPerSecond"/>.</summary>
    [Range(1, 10_000_000)]
    public int? ConnectBurst { get; set; }

    /// <summary>As <c>Limits:EventsPerSecond</c>; 0: no limit.</summary>
    [Range(0, 10_000_000)]
    public int? EventsPerSecond { get; set; }

    /// <summary>As <c>Limits:EventBurst</c>, and at least <see cref="EventsPerSecond"/>.</summary>
    [Range(1, 100_000_000)]
    public int? EventBurst { get; set; }

    /// <summary>As <c>Limits:StoredBytesPerSecond</c>; 0: no limit.</summary>
    [Range(0, 1 << 30)]
    public int? StoredBytesPerSecond { get; set; }

    /// <summary>As <c>Limits:ReadsPerSecond</c>; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int? ReadsPerSecond { get; set; }

    /// <summary>As <c>Limits:ReadBytesPerSecond</c>; 0: no limit.</summary>
    [Range(0, 1 << 30)]
    public int? ReadBytesPerSecond { get; set; }

    /// <summary>As <c>Limits:ReadsAtOnce</c>; 0: no limit.</summary>
    [Range(0, 1_000_000)]
    public int? ReadsAtOnce { get; set; }

    /// <summary>As <c>Limits:RefusalsPerSecond</c>; 0: no delay.</summary>
    [Range(0, 1_000_000)]
    public int? RefusalsPerSecond { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Addresses.Count == 0)
        {
            yield return new ValidationResult(
                $"{nameof(Addresses)} is empty; write at least one address such as 192.0.2.7, or a range such as 10.0.0.0/8.", [nameof(Addresses)]);
        }

        foreach (var error in AddressList.Check(nameof(Addresses), Addresses))
        {
            yield return new ValidationResult(error, [nameof(Addresses)]);
        }

        if (ConnectBurst < ConnectsPerSecond)
        {
            yield return LimitsOptions.BurstTooSmall("", nameof(ConnectBurst), ConnectBurst, nameof(ConnectsPerSecond), ConnectsPerSecond);
        }

        if (EventBurst < EventsPerSecond)
        {
            yield return LimitsOptions.BurstTooSmall("", nameof(EventBurst), EventBurst, nameof(EventsPerSecond), EventsPerSecond);
        }
    }

    internal ClientBudget BudgetOf(LimitsOptions general)
    {
        var connects = ConnectsPerSecond ?? general.ConnectsPerSecond;
        var events = EventsPerSecond ?? general.EventsPerSecond;
        var bytes = StoredBytesPerSecond ?? general.StoredBytesPerSecond;
        var reads = ReadsPerSecond ?? general.ReadsPerSecond;
        var readBytes = ReadBytesPerSecond ?? general.ReadBytesPerSecond;
        var refusals = RefusalsPerSecond ?? general.RefusalsPerSecond;
        return new ClientBudget
        {
            Streams = Streams ?? general.StreamsPerAddress,
            Topics = Topics ?? general.TopicsPerAddress,
            Connections = Connections ?? general.ConnectionsPerAddress,
            ReadsAtOnce = ReadsAtOnce ?? general.ReadsAtOnce,
            Connects = new Rate(connects, Math.Max(ConnectBurst ?? general.ConnectBurst, connects)),
            Events = new Rate(events, Math.Max(EventBurst ?? general.EventBurst, events)),
            StoredBytes = new Rate(bytes, bytes),
            Reads = new Rate(reads, reads),
            ReadBytes = new Rate(readBytes, readBytes),
            Refusals = new Rate(refusals, refusals),
        };
    }
}
