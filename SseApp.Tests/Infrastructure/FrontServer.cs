namespace SseApp.Tests.Infrastructure;

/// <summary>Debian's nginx or HAProxy in front of a server, with nothing configured but where to send requests.</summary>
internal sealed class FrontServer : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-front-");
    private readonly int _port = Ports.Next();
    private ChildProcess? _process;

    private FrontServer()
    {
    }

    public Uri Address => new($"http://127.0.0.1:{_port}");

    private string Folder => _folder.FullName;

    private string Configuration => Path.Combine(Folder, "front.conf");

    /// <summary>Starts nginx in front of a server; skips the test where none is installed.</summary>
    /// <param name="upstream">The server.</param>
    /// <param name="http11">True: it speaks HTTP/1.1 to the server, which is the default since nginx 1.29.7.</param>
    public static Task<FrontServer> NginxAsync(Uri upstream, bool http11 = false) => StartAsync(
        "nginx",
        port => $$"""
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log stderr;
            events {}
            http {
              access_log off;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              server {
                listen 127.0.0.1:{{port}};
                location / { proxy_pass {{upstream.GetLeftPart(UriPartial.Authority)}};{{(http11 ? " proxy_http_version 1.1;" : "")}} }
              }
            }
            """,
        front => ["-p", front.Folder, "-c", front.Configuration, "-e", "stderr"]);

    /// <summary>Starts HAProxy in front of a server, with the timeouts that it asks for; skips the test where none is installed.</summary>
    public static Task<FrontServer> HaproxyAsync(Uri upstream) => StartAsync(
        "haproxy",
        port => $"""
            defaults
              mode http
              timeout connect 10s
              timeout client 1m
              timeout server 1m
            listen site
              bind 127.0.0.1:{port}
              server gateway {upstream.Authority}

            """,
        front => ["-db", "-f", front.Configuration]);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private static async Task<FrontServer> StartAsync(string program, Func<int, string> configuration, Func<FrontServer, string[]> arguments)
    {
        var path = NamespaceNetwork.FindProgram(program);
        if (path is null)
        {
            Assert.Skip($"{program} is not installed (apt-get install {program}).");
        }

        var front = new FrontServer();
        await File.WriteAllTextAsync(front.Configuration, configuration(front._port), TestContext.Current.CancellationToken);
        front._process = ChildProcess.Start(new ProcessStartInfo(path, arguments(front)));
        try
        {
            await Eventually.Async(front.ListensAsync, s_limit, $"{program} to listen");
        }
        catch (TimeoutException exception)
        {
            var printed = front._process.Tail();
            await front.DisposeAsync();
            throw new TimeoutException($"{exception.Message} It printed: {printed}", exception);
        }

        return front;
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
