using System.Net.Sockets;

namespace SseApp.Bench.Generator;

/// <summary>Where a load goes, and how to speak to the server there.</summary>
/// <param name="url">Base address.</param>
/// <param name="publishPath">Path and query to publish to a topic; the body is the data.</param>
/// <param name="batchPath">Path that takes a JSON array of topic and data, or null where there is none.</param>
/// <param name="key">API key or token, or null where none is asked for.</param>
/// <param name="separator">Between the topics of one stream in its request; null where a stream has one topic and begins with the next event.</param>
/// <param name="others">Other addresses of the same cluster: who finds one closed tries the next, as a name with several addresses is used.</param>
/// <param name="transport">How it is spoken to.</param>
internal sealed class Target(
    Uri url, Func<string, string> publishPath, string? batchPath = null, string? key = null, string? separator = null, IReadOnlyList<Uri>? others = null,
    Transport transport = Transport.Plain)
{
    private readonly string _credential = key is null ? "" : $"Authorization: Bearer {key}\r\n";

    public Uri Url => url;

    public Transport Transport => transport;

    /// <summary>With the tickets of this server; null without TLS.</summary>
    public OpenSsl? Tls { get; } = transport == Transport.Plain ? null : new OpenSsl();

    public IReadOnlyList<IPEndPoint> EndPoints { get; } = [Resolve(url), .. (others ?? []).Select(Resolve)];

    public bool TakesBatches => batchPath is not null;

    /// <summary>Streams have several topics, and go on where a <c>Last-Event-ID</c> says.</summary>
    public bool Resumes => separator is not null;

    /// <summary>A replica or a gateway of this repository.</summary>
    public static Target Ours(Uri url, string? key = null, IReadOnlyList<Uri>? others = null, Transport transport = Transport.Plain) =>
        new(url, topic => $"/topics/{topic}/events", "/publish", key, "&topic=", others, transport);

    /// <summary>A server that the bench set up to publish as nchan does.</summary>
    /// <param name="port">Where it answers.</param>
    /// <param name="separator">Between the topics of one stream.</param>
    /// <param name="path">What stands before its paths.</param>
    /// <param name="transport">How it is spoken to.</param>
    public static Target Other(int port, string? separator = null, string path = "", Transport transport = Transport.Plain) =>
        new(Local(port, transport), topic => $"{path}/publish?topic={topic}", separator: separator, transport: transport);

    public static Uri Local(int port, Transport transport = Transport.Plain) => new($"{(transport == Transport.Plain ? "http" : "https")}://127.0.0.1:{port}");

    /// <summary>The topics of one stream, as <see cref="StreamRequest"/> takes them.</summary>
    public string Topics(IEnumerable<string> names) => string.Join(separator, names);

    public byte[] StreamRequest(string topic, string? lastEventId = null)
    {
        if (transport == Transport.H2)
        {
            return Http2Response.Request(url.Authority, $"/events?topic={topic}", lastEventId);
        }

        var id = lastEventId is null ? "" : $"Last-Event-ID: {lastEventId}\r\n";
        return Encoding.ASCII.GetBytes($"GET /events?topic={topic} HTTP/1.1\r\nHost: {url.Authority}\r\nAccept: text/event-stream\r\n{_credential}{id}\r\n");
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
            $"POST {path} HTTP/1.1\r\nHost: {url.Authority}\r\n{_credential}Content-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    /// <summary>Head of a publish that streams.</summary>
    public byte[] LinesRequest() => Encoding.ASCII.GetBytes(
        $"POST {batchPath} HTTP/1.1\r\nHost: {url.Authority}\r\n{_credential}Content-Type: application/x-ndjson\r\nAccept: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");

    /// <summary>Lines of it.</summary>
    public static string Lines(IEnumerable<(string Topic, string Data)> events) =>
        string.Concat(events.Select(item => $$"""{"topic":"{{item.Topic}}","data":"{{item.Data}}"}""" + "\n"));

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
