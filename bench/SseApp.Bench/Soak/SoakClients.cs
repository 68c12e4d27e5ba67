using System.Net.Sockets;
using System.Security.Cryptography;

namespace SseApp.Bench.Soak;

/// <summary>Clients that come, read and leave in every way that a client can, and one that publishes what they read.</summary>
internal sealed class SoakClients(Uri gateway, int rate, int topics, int events, CancellationToken cancellationToken) : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(30);

    private readonly SocketsHttpHandler _connections = new() { MaxConnectionsPerServer = 16 };
    private long _opened;
    private long _failed;
    private long _published;
    private long _read;
    private string? _first;

    public long Opened => Interlocked.Read(ref _opened);

    public long Failed => Interlocked.Read(ref _failed);

    public long Published => Interlocked.Read(ref _published);

    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>The first failure in words.</summary>
    public string? FirstFailure => Volatile.Read(ref _first);

    public void Dispose() => _connections.Dispose();

    /// <summary>Runs until it is cancelled and the last client has left.</summary>
    public async Task RunAsync()
    {
        using var client = new HttpClient(_connections, disposeHandler: false) { BaseAddress = gateway };
        var publishing = EveryAsync(events, () => PublishAsync(client));
        await EveryAsync(rate, VisitAsync);
        await publishing;
    }

    // So many begin each second; those that are under way do not hold up the next.
    private async Task EveryAsync(int perSecond, Func<Task> begin)
    {
        var running = new HashSet<Task>();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1d / perSecond), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                running.Add(begin());
                running.RemoveWhere(static task => task.IsCompleted);
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }

        await Task.WhenAll(running);
    }

    private async Task PublishAsync(HttpClient client)
    {
        try
        {
            using var body = new ByteArrayContent(RandomNumberGenerator.GetBytes(16).SelectMany(static number => Encoding.ASCII.GetBytes(number.ToString("x2", CultureInfo.InvariantCulture))).ToArray());
            using var answer = await client.PostAsync(new Uri($"/topics/soak-{RandomNumberGenerator.GetInt32(topics)}/events", UriKind.Relative), body, CancellationToken.None);
            answer.EnsureSuccessStatusCode();
            Interlocked.Increment(ref _published);
        }
        catch (HttpRequestException exception)
        {
            Fail($"a publish: {exception.Message}");
        }
    }

    private async Task VisitAsync()
    {
        var stay = s_longest * RandomNumberGenerator.GetInt32(1, 1_000) / 1_000;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new CancellationTokenSource(s_answer);
        try
        {
            await socket.ConnectAsync(gateway.Host, gateway.Port, limit.Token);
            var asked = string.Join('&', Enumerable.Range(0, RandomNumberGenerator.GetInt32(1, 4)).Select(_ => $"topic=soak-{RandomNumberGenerator.GetInt32(topics)}"));
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /events?{asked} HTTP/1.1\r\nHost: {gateway.Authority}\r\nAccept: text/event-stream\r\n\r\n"), limit.Token);
            var buffer = new byte[16 * 1024];
            var length = await socket.ReceiveAsync(buffer, limit.Token);
            if (!Encoding.ASCII.GetString(buffer, 0, length).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
            {
                Fail($"a stream: {Encoding.ASCII.GetString(buffer, 0, length).Split("\r\n")[0]}");
                return;
            }

            Interlocked.Increment(ref _opened);
            await ReadAsync(socket, buffer, stay);
            Leave(socket);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            Fail($"a stream: {exception.Message}");
        }
    }

    private async Task ReadAsync(Socket socket, byte[] buffer, TimeSpan stay)
    {
        using var end = new CancellationTokenSource(stay);
        try
        {
            while (await socket.ReceiveAsync(buffer, end.Token) is > 0 and var length)
            {
                Interlocked.Add(ref _read, length);
            }

            Fail("a stream: it ended by itself");
        }
        catch (OperationCanceledException)
        {
            // It has seen enough.
        }
    }

    private static void Leave(Socket socket)
    {
        switch (RandomNumberGenerator.GetInt32(3))
        {
            case 0:
                // A reset.
                socket.LingerState = new LingerOption(true, 0);
                break;
            case 1:
                // Half closed: nothing more to ask. The rest follows.
                socket.Shutdown(SocketShutdown.Send);
                break;
            default:
                break;
        }
    }

    private void Fail(string what)
    {
        Interlocked.Increment(ref _failed);
        Interlocked.CompareExchange(ref _first, what, null);
    }
}
