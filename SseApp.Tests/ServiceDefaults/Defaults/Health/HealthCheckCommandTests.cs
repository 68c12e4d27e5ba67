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
        await redis.RequireAsync();
        using var certificate = new TestCertificate();
        var program = Repository.Assembly("SseApp.Gateway");
        var environment = Environment(
            $"ASPNETCORE_URLS=|Tls__CertificateFile={certificate.CertificateFile}|Tls__KeyFile={certificate.KeyFile}|Tls__Urls=https://127.0.0.1:{{0}}|Admin__Urls=|Security__GatewayKey={ClusterKey.Text}", Ports.Next());
        var start = new ProcessStartInfo("dotnet", [program]) { WorkingDirectory = Path.GetDirectoryName(program)! };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        await using var gateway = ChildProcess.Start(start);

        // Who starts containers asks until it is there.
        await Eventually.Async(async () => (await RunAsync("SseApp.Gateway", environment, "--healthcheck")).Code == 0, TimeSpan.FromSeconds(30), "the gateway's answer by HTTPS");
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
