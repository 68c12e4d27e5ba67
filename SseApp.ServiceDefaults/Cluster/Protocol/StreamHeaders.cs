namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>Headers that replicas and gateways agree on.</summary>
public static class StreamHeaders
{
    /// <summary>
    /// On a response that refuses a stream, whatever its status: the reason. By it a gateway knows, before it has sent a
    /// byte, that another replica may be asked.
    /// </summary>
    public const string Refused = "Stream-Refused";

    /// <summary>On a request for a stream: the gateway's <c>StreamPlacement</c>; never a client's own.</summary>
    public const string Placement = "Stream-Placement";
}
