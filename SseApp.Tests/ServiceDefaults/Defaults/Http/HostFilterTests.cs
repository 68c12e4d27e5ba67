using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class HostFilterTests(RedisServer redis) : EdgeTest(redis)
{
    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_rebound_name_gets_nothing_from_any_endpoint(string service)
    {
        var (gateway, replica) = await StartAsync();
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");
        var (address, services) = service == "replica" ? (replica.Address, replica.Services) : (gateway.Address, gateway.Services);
        (string Method, string Path)[] requests =
        [
            .. Endpoints(services),
            .. ((string[])["/", "/console.js", "/nothing", "/admin", "/relay"]).Select(path => ("GET", path)),
        ];
        Assert.Contains(requests, request => request.Path.StartsWith("/admin/", StringComparison.Ordinal));
        Assert.Contains(("GET", "/health"), requests);

        var sent = 0;
        foreach (var (method, path) in requests)
        {
            foreach (var more in (string[])["", "Origin: http://evil.example\r\n", "Origin: http://localhost\r\n", "Accept: text/event-stream\r\n", "X-Forwarded-Host: localhost\r\n"])
            {
                var answer = await RawHttp.AskAsync(address, $"{method} {path} HTTP/1.1\r\nHost: evil.example:8080\r\nConnection: close\r\nContent-Length: 0\r\n{more}\r\n");
                sent++;

                Assert.True(answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), $"{method} {path} {more}: {answer}");
                Assert.Contains("X-Content-Type-Options: nosniff", answer, StringComparison.OrdinalIgnoreCase);
                if (method != "HEAD")
                {
                    var problem = RawHttp.AssertProblem(400, answer);
                    Assert.Equal("unknown-host", problem.GetProperty("reason").GetString());
                    Assert.Contains("Hosts:Allowed", problem.GetProperty("detail").GetString()!, StringComparison.Ordinal);
                }
            }
        }

        Assert.Equal(service == "gateway" ? sent : 0, refusals.Sum);
    }

    [Theory]
    // Of this machine, and nobody's.
    [InlineData("localhost", true)]
    [InlineData("LocalHost:1", true)]
    [InlineData("localhost.", true)]
    [InlineData("gateway.localhost:8080", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.1:80", true)]
    [InlineData("192.0.2.7", true)]
    [InlineData("[::1]", true)]
    [InlineData("[2001:db8::1]:8080", true)]
    [InlineData("gateway", true)]
    [InlineData("sse_backend:8080", true)]
    [InlineData("aspire.dev.internal:8080", true)]
    [InlineData("", true)]
    // Configured.
    [InlineData("events.example.org", true)]
    [InlineData("EVENTS.example.ORG:443", true)]
    [InlineData("events.example.org.", true)]
    [InlineData("events.example.org.:443", true)]
    [InlineData("a.example.net", true)]
    [InlineData("a.b.example.net", true)]
    [InlineData("xn--bcher-kva.example", true)]
    [InlineData("xn--mnchen-3ya.example", true)]
    // Somebody's.
    [InlineData("example.org", false)]
    [InlineData("example.net", false)]
    [InlineData("evilexample.net", false)]
    [InlineData("events.example.org.evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("127.0.0.1.", false)]
    [InlineData("0177.0.0.1", false)]
    [InlineData("127.1", false)]
    [InlineData("evil.example.", false)]
    [InlineData("evil.local", false)]
    [InlineData("gateway.", false)]
    [InlineData("internal.evil.example", false)]
    [InlineData("xn--zzzzzzz99999.example", false)]
    [InlineData("xn--zzzzzzz99999.localhost", false)]
    public async Task Names_are_let_in_that_are_ours_or_can_be_nobodys(string host, bool allowed)
    {
        var (gateway, replica) = await StartAsync(settings:
        [
            ("Hosts:Allowed:0", "Events.Example.org"),
            ("Hosts:Allowed:1", "*.example.net"),
            ("Hosts:Allowed:2", "bücher.example"),
            ("Hosts:Allowed:3", "xn--mnchen-3ya.example"),
        ]);
        foreach (var address in new[] { gateway.Address, replica.Address })
        {
            var answer = await RawHttp.AskAsync(address, $"GET /alive HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

            Assert.StartsWith(allowed ? "HTTP/1.1 200 " : "HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_of_HTTP_1_0_needs_no_host_and_may_not_have_a_foreign_one()
    {
        foreach (var service in (string[])["gateway", "replica"])
        {
            var address = await AddressAsync(service);

            Assert.StartsWith("HTTP/1.1 200 ", await RawHttp.AskAsync(address, "GET /alive HTTP/1.0\r\n\r\n"), StringComparison.Ordinal);
            RawHttp.AssertProblem(400, await RawHttp.AskAsync(address, "GET /alive HTTP/1.0\r\nHost: evil.example\r\n\r\n"));
        }
    }

    [Fact]
    public async Task HTTP_2_is_no_way_around_it()
    {
        using var certificate = new TestCertificate();
        await using var secure = await GatewayHost.StartAsync(
            Registry,
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Tls:CertificateFile"] = certificate.CertificateFile,
                ["Tls:KeyFile"] = certificate.KeyFile,
                ["Tls:Urls"] = "https://127.0.0.1:0",
            });
        using var handler = new SocketsHttpHandler();
        // TlsTests are about trust; here the name of the request is not the one that is connected to.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) => presented is not null;
        using var http = new HttpClient(handler) { BaseAddress = secure.SecureAddress };

        // The name in the certificate needs no setting.
        Assert.Equal(HttpStatusCode.OK, await AskAsync("events.example"));
        Assert.Equal(HttpStatusCode.BadRequest, await AskAsync("evil.example"));

        async Task<HttpStatusCode> AskAsync(string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/alive") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Host = host;
            using var response = await http.SendAsync(request, Cancellation);
            Assert.Equal(HttpVersion.Version20, response.Version);
            return response.StatusCode;
        }
    }

    [Theory]
    [InlineData("Match:Hosts:0", "events.example.org", "events.example.org")]
    [InlineData("Match:Hosts:0", "*.example.org:8443", "a.example.org:8443")]
    [InlineData("Match:Hosts:0", "xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("ReverseProxy:Routes:other:Match:Hosts:0", "api.example.org", "api.example.org")]
    [InlineData("AllowedHosts", "events.example.org;www.example.org", "www.example.org")]
    [InlineData("Hosts:Allowed:0", "*", "anything.example")]
    // As the manifest has it.
    [InlineData("Hosts:Allowed:99", "ingress.example", "ingress.example")]
    public async Task What_other_settings_name_need_not_be_named_twice(string setting, string value, string host)
    {
        var other = Own(await OriginHost.StartAsync("other"));
        var gateway = await GatewayAsync([.. OtherService(other), (setting, value)]);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Client, host));
        if (value != "*")
        {
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(gateway.Client, "evil.example"));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Client, "127.0.0.1"));
        }
    }

    [Theory]
    [InlineData("AllowedHosts", "*")]
    [InlineData("ReverseProxy:Routes:other:Match:Hosts:0", "*:8080")]
    public async Task What_means_every_name_elsewhere_opens_nothing_here(string setting, string value)
    {
        var other = Own(await OriginHost.StartAsync("other"));
        var gateway = await GatewayAsync([.. OtherService(other), (setting, value)]);

        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(gateway.Client, "evil.example"));
    }

    [Fact]
    public async Task A_site_is_served_under_its_name_although_replicas_do_not_know_it_and_they_are_told_it()
    {
        var (gateway, replica) = await StartAsync(settings: [("Match:Hosts:0", "events.example.org")]);
        using (var published = await gateway.Client.SendAsync(HttpMethod.Post, "/topics/a/events", ("Host", "events.example.org")))
        {
            Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        }

        var stream = await RawHttp.AskAsync(
            gateway.Address, "GET /events?topic=a&history=1 HTTP/1.1\r\nHost: events.example.org\r\nAccept: text/event-stream\r\n\r\n", until: "event: stream.open");

        Assert.StartsWith("HTTP/1.1 200 ", stream, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(replica.Client, "events.example.org"));
    }

    [Fact]
    public async Task A_replica_may_be_asked_under_the_name_that_it_advertises()
    {
        await using var replica = await EventsHost.StartAsync(Server, null, ("Replica:AdvertisedAddress", "http://events-1.cluster.example:5000"));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica.Client, "events-1.cluster.example:5000"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(replica.Client, "events-2.cluster.example"));
    }

    [Fact]
    public async Task The_name_that_a_known_proxy_passes_on_is_looked_at_too()
    {
        var gateway = await GatewayAsync(("Proxies:Known:0", "127.0.0.1"), ("Hosts:Allowed:0", "events.example.org"));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Client, "127.0.0.1", ("X-Forwarded-Host", "events.example.org"), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "http")));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(gateway.Client, "127.0.0.1", ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "http")));
    }

    [Fact]
    public async Task A_refused_name_is_logged_once_with_the_setting_and_made_up_ones_do_not_fill_the_log()
    {
        var gateway = await GatewayAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(gateway.Client, "shop.example.org"));
        }

        Assert.Single(gateway.Logs, line => line.Contains("shop.example.org", StringComparison.Ordinal) && line.Contains("Hosts__Allowed__0", StringComparison.Ordinal));
        for (var i = 0; i < 100; i++)
        {
            await StatusAsync(gateway.Client, $"h{i}.evil.example");
        }

        Assert.InRange(gateway.Logs.Count(line => line.Contains("evil.example", StringComparison.Ordinal)), 1, 40);
    }

    [Fact]
    public async Task A_changed_list_counts_at_once_and_one_that_is_wrong_leaves_the_former()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("sseapp-hosts-").FullName, "settings.json");
        await File.WriteAllTextAsync(file, """{ "Hosts": { "Allowed": [ "one.example" ] } }""", Cancellation);
        await using var gateway = await GatewayHost.StartAsync(Registry, settingsFile: file);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Client, "one.example"));

        await File.WriteAllTextAsync(file, """{ "Hosts": { "Allowed": [ "two.example" ] } }""", Cancellation);
        await Eventually.Async(async () => await StatusAsync(gateway.Client, "two.example") == HttpStatusCode.OK, TimeSpan.FromSeconds(20), "the changed list");
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(gateway.Client, "one.example"));

        await File.WriteAllTextAsync(file, """{ "Hosts": { "Allowed": [ "https://two.example/" ] } }""", Cancellation);
        await UntilAsync(() => gateway.Logs.Any(line => line.Contains("the settings before it all stay in use", StringComparison.Ordinal)), "the wrong list to be reported");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Client, "two.example"));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Fact]
    public async Task Pages_of_another_origin_get_nothing_of_the_operator_API()
    {
        await Server.RequireAsync();
        await using var gateway = await GatewayHost.StartAsync(
            null,
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["ConnectionStrings:redis"] = Server.ConnectionString, ["Cluster:KeyPrefix"] = Guid.NewGuid().ToString("N") });
        var admin = Endpoints(gateway.Services).Where(request => request.Path.StartsWith("/admin", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(admin);
        foreach (var (method, path) in admin)
        {
            using var foreign = await gateway.Client.SendAsync(new HttpMethod(method), path, ("Origin", "https://evil.example"));

            Assert.True(foreign.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound, $"{method} {path}: {foreign.StatusCode}");
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string host, params (string Name, string Value)[] headers)
    {
        using var response = await client.SendAsync(HttpMethod.Get, "/alive", [("Host", host), .. headers]);
        return response.StatusCode;
    }

    /// <summary>Every method of every endpoint, with something in place of each parameter.</summary>
    private static (string Method, string Path)[] Endpoints(IServiceProvider services) =>
    [
        .. services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is { Count: > 0 } methods ? methods : (IEnumerable<string>)["GET", "POST", "DELETE", "OPTIONS"])
                .Select(method => (method, Fill(endpoint.RoutePattern))))
            .Distinct(),
    ];

    private static string Fill(RoutePattern pattern) => "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternSeparatorPart separator => separator.Content,
        _ => "a",
    }))));
}
