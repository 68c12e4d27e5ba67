using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;

namespace SseApp.Bench.Greedy;

/// <summary>A client that takes all it can get of one thing, as fast as it can, from an address of its own.</summary>
/// <param name="Name">Of what it takes.</param>
/// <param name="Take">Takes once, of the gateway, by this client; refusals and broken connections are what it expects.</param>
/// <param name="AtOnce">How many it takes side by side.</param>
internal sealed record GreedyClient(string Name, Func<GreedyRun, CancellationToken, Task> Take, int AtOnce)
{
    private const int MiB = 1024 * 1024;

    private static readonly string s_large = new('x', 60_000);

    private static readonly byte[] s_nothings = Encoding.ASCII.GetBytes("[" + new StringBuilder(16 * MiB).Insert(0, "0,", (8 * MiB) - 4) + "0]");

    private static readonly byte[] s_copies = Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Repeat(
        JsonSerializer.Serialize(new { topics = Enumerable.Range(0, 64).Select(i => $"copies{i}"), data = s_large }), 60)));

    public static readonly IReadOnlyList<GreedyClient> All =
    [
        new("events", (run, token) => run.SendAsync(HttpMethod.Post, $"/topics/greedy{run.Next() % 50}/events", Encoding.ASCII.GetBytes(s_large), token), 8),
        new("keys", (run, token) => run.SendAsync(HttpMethod.Post, "/topics/keys/events", "x"u8.ToArray(), token, ("Idempotency-Key", $"key-{run.Next()}")), 8),
        new("copies", (run, token) => run.SendAsync(HttpMethod.Post, "/publish", s_copies, token), 4),
        new("items that are none", (run, token) => run.SendAsync(HttpMethod.Post, "/publish", s_nothings, token), 4),
        new("history that is not read", (run, token) => run.LeaveUnreadAsync("GET /topics/greedy0/events?limit=1000 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", token), 60),
        new("history", (run, token) => run.SendAsync(HttpMethod.Get, "/topics/greedy0/events?limit=1000", null, token), 8),
        new("connections", (run, token) => run.LeaveUnreadAsync("", token), 300),
        new("bodies that do not end", (run, token) => run.LeaveUnreadAsync("POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 16000000\r\n\r\n[" + s_large, token), 60),
        new("topics", (run, token) => run.LookInAsync("/events?" + string.Join('&', Enumerable.Range(0, 64).Select(_ => $"topic=new{run.Next()}")), token), 8),
        new("hosts", (run, token) => run.SendAsync(HttpMethod.Get, $"/p{run.Next()}?q={run.Next()}", null, token, ("Host", $"h{run.Next()}.example")), 4),
    ];
}

/// <summary>One greedy client at work, until it is disposed.</summary>
internal sealed class GreedyRun : IAsyncDisposable
{
    private static readonly TimeSpan s_unread = TimeSpan.FromSeconds(5);

    private readonly Uri _gateway;
    private readonly IPAddress _address;
    private readonly HttpClient _client;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _work;
    private readonly ConcurrentDictionary<string, int> _answers = new(StringComparer.Ordinal);
    private int _number;

    public GreedyRun(GreedyClient client, Uri gateway, int number)
    {
        Name = client.Name;
        _gateway = gateway;
        _address = LoopbackClient.Address(number);
        _client = LoopbackClient.Create(gateway, number);
        _work = Task.WhenAll(Enumerable.Range(0, client.AtOnce).Select(_ => Task.Run(() => WorkAsync(client.Take))));
    }

    public string Name { get; }

    /// <summary>How often each status, or kind of end, was met.</summary>
    public IReadOnlyDictionary<string, int> Answers => _answers;

    public int Next() => Interlocked.Increment(ref _number);

    public async Task SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken, (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new ByteArrayContent(body) };
        if (header is var (name, value))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await _client.SendAsync(request, cancellationToken);
        Count(((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Opens a stream and leaves when it has answered.</summary>
    public async Task LookInAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "text/event-stream" } } };
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Count(((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Sends, and reads nothing for some seconds or until the server ends the connection.</summary>
    public async Task LeaveUnreadAsync(string request, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        socket.Bind(new IPEndPoint(_address, 0));
        await socket.ConnectAsync(_gateway.Host, _gateway.Port, cancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        await Task.Delay(s_unread, TimeProvider.System, cancellationToken);
        Count("left");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _work;
        _client.Dispose();
        _stopping.Dispose();
    }

    private async Task WorkAsync(Func<GreedyRun, CancellationToken, Task> take)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await take(this, _stopping.Token);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException or OperationCanceledException)
            {
                Count(exception.GetType().Name);
            }
        }
    }

    private void Count(string answer) => _answers.AddOrUpdate(answer, 1, (_, count) => count + 1);
}
