namespace SseApp.Tests.Gateway.Routing;

/// <summary>Configured services beside the gateway's own paths: nobody finds out by a request which of the two it was.</summary>
public sealed class OwnPathsTests : GatewayTest
{
    private volatile bool _asked;

    [Theory]
    [InlineData("/events")]
    [InlineData("/EVENTS/")]
    [InlineData("/topics/{**all}")]
    [InlineData("/topics/{*all}")]
    [InlineData("/publish")]
    [InlineData("/health")]
    public async Task A_route_for_a_path_of_the_gateway_stops_the_start_and_is_named(string path)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => SiteAsync(path));

        Assert.Contains($"Route 'site' is for '{path}'", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_route_that_says_which_of_these_requests_it_means_has_them()
    {
        await OriginAsync("r1");
        var gateway = await SiteAsync("/topics/{**all}", ("ReverseProxy:Routes:site:Match:Hosts:0", "site.localhost"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/topics/a");
        request.Headers.Host = "site.localhost";

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal("site", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.NotEqual("site", await gateway.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Theory]
    [InlineData("/{**rest}")]
    [InlineData("/")]
    [InlineData("{page?}")]
    public async Task A_service_that_has_the_root_is_there_and_the_playground_elsewhere(string path)
    {
        var gateway = await SiteAsync(path);

        Assert.Equal("site", await gateway.Client.GetStringAsync("/", Cancellation));
        Assert.Contains("SseApp playground", await gateway.Client.GetStringAsync("/console/", Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/site/{**rest}")]
    [InlineData("/{page}")]
    public async Task The_playground_stays_where_no_service_has_the_root(string path)
    {
        var gateway = await SiteAsync(path);

        Assert.Contains("SseApp playground", await gateway.Client.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_leaves_within_its_body_is_in_the_access_log_and_in_no_other()
    {
        var log = Path.Combine(Path.GetTempPath(), $"sseapp-{Guid.NewGuid():N}.log");
        try
        {
            var gateway = await SiteAsync("/site/{**rest}", ("AccessLog:Enabled", "true"), ("AccessLog:File", log));
            using (var client = new TcpClient())
            {
                await client.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, Cancellation);
                await client.GetStream().WriteAsync("POST /site/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"u8.ToArray(), Cancellation);
                await UntilAsync(() => _asked, "the request to have arrived at the service");
                client.LingerState = new LingerOption(enable: true, seconds: 0);
            }

            await UntilAsync(() => File.Exists(log) && File.ReadAllText(log).Contains("/site/upload", StringComparison.Ordinal), "the line of the request");

            Assert.DoesNotContain(gateway.Logs, line => line.Contains("copying the request body", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(log);
        }
    }

    private async Task<GatewayHost> SiteAsync(string path, params (string, string)[] settings)
    {
        var site = Own(await OriginHost.StartAsync("site", async context =>
        {
            _asked = true;
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            await context.Response.WriteAsync("site", context.RequestAborted);
        }));
        return await GatewayAsync(
        [
            ("ReverseProxy:Routes:site:ClusterId", "site"),
            ("ReverseProxy:Routes:site:Match:Path", path),
            ("ReverseProxy:Clusters:site:Destinations:s1:Address", site.Address.AbsoluteUri),
            .. settings,
        ]);
    }
}
