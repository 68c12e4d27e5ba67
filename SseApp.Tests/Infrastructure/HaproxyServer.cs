namespace SseApp.Tests.Infrastructure;

/// <summary>Debian's HAProxy with nothing configured but where to send requests, and the timeouts that it asks for.</summary>
internal sealed class HaproxyServer : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-haproxy-");
    private readonly int _port = Ports.Next();
    private ChildProcess? _process;

    private HaproxyServer()
    {
    }

    public Uri Address => new($"http://127.0.0.1:{_port}");

    /// <summary>Starts it in front of a server; skips the test where no HAProxy is installed.</summary>
    public static async Task<HaproxyServer> StartAsync(Uri upstream)
    {
        // A user's PATH lacks /usr/sbin.
        var path = BackplaneServer.FindOnPath("haproxy") ?? (File.Exists("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : null);
        if (path is null)
        {
            Assert.Skip("HAProxy is not installed (apt-get install haproxy).");
        }

        var haproxy = new HaproxyServer();
        var configuration = Path.Combine(haproxy._folder.FullName, "haproxy.cfg");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            defaults
              mode http
              timeout connect 10s
              timeout client 1m
              timeout server 1m
            listen site
              bind 127.0.0.1:{haproxy._port}
              server gateway {upstream.Authority}

            """,
            TestContext.Current.CancellationToken);
        haproxy._process = ChildProcess.Start(new ProcessStartInfo(path, ["-db", "-f", configuration]));
        try
        {
            await Eventually.Async(haproxy.ListensAsync, s_limit, "HAProxy to listen");
        }
        catch (TimeoutException exception)
        {
            var printed = haproxy._process.Tail();
            await haproxy.DisposeAsync();
            throw new TimeoutException($"{exception.Message} It printed: {printed}", exception);
        }

        return haproxy;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private async Task<bool> ListensAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(Address.Host, Address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
