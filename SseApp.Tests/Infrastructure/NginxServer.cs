namespace SseApp.Tests.Infrastructure;

/// <summary>Debian's nginx with nothing configured but where to send requests.</summary>
internal sealed class NginxServer : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-nginx-");
    private readonly int _port = Ports.Next();
    private ChildProcess? _process;

    private NginxServer()
    {
    }

    public Uri Address => new($"http://127.0.0.1:{_port}");

    /// <summary>Starts it in front of a server; skips the test where no nginx is installed.</summary>
    /// <param name="upstream">The server.</param>
    /// <param name="http11">True: it speaks HTTP/1.1 to the server, which is the default since nginx 1.29.7.</param>
    public static async Task<NginxServer> StartAsync(Uri upstream, bool http11 = false)
    {
        // A user's PATH lacks /usr/sbin.
        var path = BackplaneServer.FindOnPath("nginx") ?? (File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : null);
        if (path is null)
        {
            Assert.Skip("nginx is not installed (apt-get install nginx).");
        }

        var nginx = new NginxServer();
        var configuration = Path.Combine(nginx._folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log stderr;
            events {}
            http {
              access_log off;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              server {
                listen 127.0.0.1:{{nginx._port}};
                location / { proxy_pass {{upstream.GetLeftPart(UriPartial.Authority)}};{{(http11 ? " proxy_http_version 1.1;" : "")}} }
              }
            }
            """,
            TestContext.Current.CancellationToken);
        nginx._process = ChildProcess.Start(new ProcessStartInfo(path, ["-p", nginx._folder.FullName, "-c", configuration, "-e", "stderr"]));
        try
        {
            await Eventually.Async(nginx.ListensAsync, s_limit, "nginx to listen");
        }
        catch (TimeoutException exception)
        {
            var printed = nginx._process.Tail();
            await nginx.DisposeAsync();
            throw new TimeoutException($"{exception.Message} It printed: {printed}", exception);
        }

        return nginx;
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
