using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Defaults.Health;

/// <summary><c>--healthcheck</c>, by which a container without a shell is asked whether it lives.</summary>
public sealed class HealthCheckCommandTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    [Theory]
    [InlineData("SseApp.Events", "ASPNETCORE_URLS=http://0.0.0.0:{0}")]
    [InlineData("SseApp.Events", "ASPNETCORE_URLS=|HTTP_PORTS={0}")]
    [InlineData("SseApp.Gateway", "Kestrel__Endpoints__one__Url=http://127.0.0.1:{0}")]
    public async Task It_asks_where_the_settings_say_that_the_service_listens(string project, string settings)
    {
        await redis.RequireAsync();
        var port = Ports.Next();
        var environment = Environment(settings, port);
        await using var service = new ServiceProcess(project, project, environment, probe: new Uri($"http://127.0.0.1:{port}"));
        await service.StartAsync();

        Assert.Equal((0, "200 {\"status\":\"healthy\"}"), await RunAsync(project, environment, "--healthcheck"));
        if (project == "SseApp.Gateway")
        {
            // It lives, and has no replica that it could send a request to.
            var (code, said) = await RunAsync(project, environment, "--healthcheck=ready");
            Assert.Equal((1, $"http://127.0.0.1:{port} answers /health with 503 {{\"status\":\"unhealthy\"}}"), (code, said));
        }
    }

    [Fact]
    public async Task A_gateway_that_has_nothing_but_HTTPS_is_asked_by_HTTPS()
    {
        using var certificate = new TestCertificate();
        await AssertLivesAsync($"ASPNETCORE_URLS=|Tls__CertificateFile={certificate.CertificateFile}|Tls__KeyFile={certificate.KeyFile}|Tls__Urls=https://127.0.0.1:{{0}}");
    }

    /// <summary>Whoever asks there has no address, which no list can name; a container that is taken for dead would be ended again and again. Clients have that which a proxy says.</summary>
    [Fact]
    public async Task A_gateway_at_a_Unix_socket_is_asked_there_whatever_its_address_lists_say()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The path of a socket has another form on Windows.");
        var folder = Directory.CreateTempSubdirectory("sse-socket-");
        try
        {
            var file = Path.Combine(folder.FullName, "sse.sock");
            await AssertLivesAsync($"ASPNETCORE_URLS=http://unix:{file}|Access__Allow=192.0.2.8|Proxies__Known=127.0.0.1", async () =>
            {
                Assert.Equal(HttpStatusCode.OK, await StatusAsync(file, "192.0.2.8"));
                Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(file, "192.0.2.9"));
                Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(file, client: null));
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("--healthcheck", "ASPNETCORE_URLS=http://127.0.0.1:{0}", "http://127.0.0.1:{0} does not answer /alive: Connection refused")]
    [InlineData("--healthcheck", "ASPNETCORE_URLS=http://127.0.0.1:0", "any free port")]
    [InlineData("--healthcheck", "ASPNETCORE_URLS=8080", "The settings cannot be read: ")]
    [InlineData("--healthcheck=fast", "ASPNETCORE_URLS=http://127.0.0.1:{0}", "--healthcheck=fast is no check; write --healthcheck")]
    public async Task What_is_wrong_is_said_in_a_line(string argument, string settings, string expected)
    {
        var port = Ports.Next();
        var (code, said) = await RunAsync("SseApp.Events", Environment(settings, port), argument);

        Assert.Equal(1, code);
        Assert.Contains(string.Format(CultureInfo.InvariantCulture, expected, port), said, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', said);
    }

    private KeyValuePair<string, string>[] Environment(string settings, int port) =>
    [
        new("ConnectionStrings__redis", redis.ConnectionString),
        new("Cluster__KeyPrefix", Guid.NewGuid().ToString("N")),
        .. settings.Split('|').Select(setting => string.Format(CultureInfo.InvariantCulture, setting, port).Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1])),
    ];

    /// <summary>Starts a gateway, and asks as whoever starts containers does, until it is there.</summary>
    private async Task AssertLivesAsync(string settings, Func<Task>? then = null)
    {
        await redis.RequireAsync();
        var program = Repository.Assembly("SseApp.Gateway");
        var environment = Environment($"{settings}|Admin__Urls=|Security__GatewayKey={ClusterKey.Text}", Ports.Next());
        var start = new ProcessStartInfo("dotnet", [program]) { WorkingDirectory = Path.GetDirectoryName(program)! };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        await using var gateway = ChildProcess.Start(start);

        await Eventually.Async(async () => (await RunAsync("SseApp.Gateway", environment, "--healthcheck")).Code == 0, TimeSpan.FromSeconds(30), "the gateway's answer");
        await (then?.Invoke() ?? Task.CompletedTask);
    }

    private static async Task<HttpStatusCode> StatusAsync(string socketFile, string? client)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketFile), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/");
        if (client is not null)
        {
            request.Headers.Add("X-Forwarded-For", client);
        }

        using var answer = await http.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    private static async Task<(int Code, string Said)> RunAsync(string project, IEnumerable<KeyValuePair<string, string>> environment, string argument)
    {
        var program = Repository.Assembly(project);
        var start = new ProcessStartInfo("dotnet", [program, argument]) { WorkingDirectory = Path.GetDirectoryName(program)!, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, (output + await error).Trim());
    }
}
