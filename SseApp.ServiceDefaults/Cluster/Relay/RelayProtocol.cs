namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>
/// What gateway and replica agree on. A relay connection is an HTTP/1.1 connection to the replica's ordinary port that
/// was upgraded to frames; it carries many event streams, and short requests beside them. A frame is its length (of what follows it, 32 bits, little
/// endian), its type (8 bits) and its body. docs/decisions/0008 has the reasons and the numbers.
/// </summary>
internal static class RelayProtocol
{
    /// <summary>Version that this program speaks; a replica has its own in the registry.</summary>
    public const int Version = 1;

    /// <summary><see cref="Version"/> as it stands in the metadata of a destination.</summary>
    public const string VersionText = "1";

    /// <summary>Where a replica takes relay connections. Gateways have no route to it.</summary>
    public const string Path = "/relay";

    /// <summary>Token of the Upgrade header; it names the version.</summary>
    public const string Upgrade = "sseapp-relay/1";

    /// <summary>Header of the answer to the upgrade: how many streams the connection may carry. Without it there is no limit.</summary>
    public const string MaxStreamsHeader = "Relay-Max-Streams";

    /// <summary>
    /// Header of the question and of the answer to the upgrade: both sides know requests on the connection, and so many may be under way. A
    /// side of an earlier release does not send it.
    /// </summary>
    public const string MaxRequestsHeader = "Relay-Max-Requests";

    /// <summary>Longest body of a request, so that it is one frame with any head that a server takes.</summary>
    public const int MaxRequestBody = 16 * 1024;

    /// <summary>Why a stream beyond that limit is refused, as <see cref="Protocol.StreamHeaders.Refused"/> says it.</summary>
    public const string FullReason = "relay-full";

    /// <summary>Bytes before a frame's body: length and type.</summary>
    public const int HeaderLength = 5;

    /// <summary>Longest frame but DATA: more than Kestrel takes for the head of a request.</summary>
    public const int MaxControlLength = 128 * 1024;

    /// <summary>Longest DATA frame: a batch of the largest events for all streams that one connection may carry.</summary>
    public const int MaxDataLength = 64 * 1024 * 1024;

    // A delivery costs a system call of the gateway, much more than the four bytes of its id.
    private const int DeliveryCost = 64;

    /// <summary>
    /// What a frame counts for in the window: its bytes, and its deliveries, because a short frame for thousands of
    /// streams keeps the gateway busy longer than a long one for a single stream.
    /// </summary>
    public static long Cost(int frameLength, int deliveries) => frameLength + ((long)deliveries * DeliveryCost);
}

/// <summary>The peer sent what the protocol does not allow; the connection cannot go on.</summary>
internal sealed class RelayProtocolException(string message) : IOException(message);
