using System.Net.Sockets;

namespace SseApp.Bench.Generator;

/// <summary>Where a load goes, and how to speak to the server there; plain http.</summary>
/// <param name="url">Base address.</param>
/// <param name="publishPath">Path and query to publish to a topic; the body is the data.</param>
/// <param name="batchPath">Path that takes a JSON array of topic and data, or null where there is none.</param>
internal sealed class Target(Uri url, Func<string, string> publishPath, string? batchPath = null)
{
    public Uri Url => url;

    public IPEndPoint EndPoint { get; } = Resolve(url);

    public bool TakesBatches => batchPath is not null;

    /// <summary>A replica or a gateway of this repository.</summary>
    public static Target Ours(Uri url) => new(url, topic => $"/topics/{topic}/events", "/publish");

    /// <summary>A server that the bench set up to publish as nchan does.</summary>
    public static Target Other(int port) => new(Local(port), topic => $"/publish?topic={topic}");

    public static Uri Local(int port) => new($"http://127.0.0.1:{port}");

    public byte[] StreamRequest(string topic, string? lastEventId = null)
    {
        var id = lastEventId is null ? "" : $"Last-Event-ID: {lastEventId}\r\n";
        return Encoding.ASCII.GetBytes($"GET /events?topic={topic} HTTP/1.1\r\nHost: {url.Authority}\r\nAccept: text/event-stream\r\n{id}\r\n");
    }

    /// <summary>One event as it is, several as a batch.</summary>
    public byte[] PublishRequest(IReadOnlyList<(string Topic, string Data)> events)
    {
        var (path, type, body) = events is [var (topic, data)]
            ? (publishPath(topic), "text/plain", data)
            : (batchPath ?? throw new InvalidOperationException("This server takes no batches."),
                "application/json",
                $"[{string.Join(',', events.Select(item => $$"""{"topic":"{{item.Topic}}","data":"{{item.Data}}"}"""))}]");
        return Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    private static IPEndPoint Resolve(Uri url)
    {
        try
        {
            // localhost is two addresses; IPv4 comes first.
            return new IPEndPoint(Dns.GetHostAddresses(url.DnsSafeHost).MinBy(address => address.AddressFamily)!, url.Port);
        }
        catch (SocketException exception)
        {
            throw new BenchException($"{url.Host} has no address ({exception.Message}). Use a host name that this machine can resolve.", exception);
        }
    }
}
