namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>Headers that replicas and gateways agree on.</summary>
internal static class StreamHeaders
{
    /// <summary>
    /// On a response that refuses a stream, whatever its status: the reason. By it a gateway knows, before it has sent a
    /// byte, that another replica may be asked.
    /// </summary>
    public const string Refused = "Stream-Refused";

    /// <summary>On a request for a stream: the gateway's <c>StreamPlacement</c>; never a client's own.</summary>
    public const string Placement = "Stream-Placement";

    /// <summary>
    /// On the answer to a publish, as <c>events, bytes</c>: how many events it stored and the bytes that they take, each topic
    /// counted; at least the bytes of its body. A gateway charges the publisher with it and passes it to nobody.
    /// </summary>
    public const string Stored = "Publish-Stored";

    /// <summary>
    /// On a request that a gateway forwards: the origin of the page that sent it, if that is another one than the gateway's. What
    /// only listed ones may, the gateway has refused to others. Never a client's own.
    /// </summary>
    public const string Origin = "X-Sse-Origin";

    /// <summary>
    /// On a batch that a gateway forwards, as <see cref="Stored"/>: how many events and bytes its client may store now. Never a client's own.
    /// </summary>
    public const string Left = "X-Sse-Left";

    /// <summary>On a request of a gateway's canary that it forwards: it may use that canary's topic and no other, and counts as nobody's. Never a client's own.</summary>
    public const string Canary = "X-Sse-Canary";

    /// <summary>
    /// On a request for a stream that a gateway forwards while it sees a storm: by how many milliseconds reconnection times are longer at
    /// that gateway (<see cref="RetrySpread"/>). Never a client's own.
    /// </summary>
    public const string Spread = "X-Sse-Spread";

    public static string WriteStored(long events, long bytes) => string.Create(CultureInfo.InvariantCulture, $"{events}, {bytes}");

    public static bool TryReadStored(ReadOnlySpan<char> text, out long events, out long bytes)
    {
        (events, bytes) = (0, 0);
        var comma = text.IndexOf(',');
        return comma > 0
            && long.TryParse(text[..comma], NumberStyles.None, CultureInfo.InvariantCulture, out events)
            && long.TryParse(text[(comma + 1)..].TrimStart(), NumberStyles.None, CultureInfo.InvariantCulture, out bytes);
    }
}

/// <summary>
/// What became of a publish that was not answered with success: the member <see cref="Member"/> of problem details, the
/// same from replicas and gateways.
/// </summary>
internal static class PublishOutcome
{
    public const string Member = "outcome";

    /// <summary>Nothing is stored: publishing again stores it once.</summary>
    public const string NotStored = "not-stored";

    /// <summary>It may or may not be stored: publishing again may store it twice, unless an idempotency key keeps that off.</summary>
    public const string Unknown = "unknown";
}
