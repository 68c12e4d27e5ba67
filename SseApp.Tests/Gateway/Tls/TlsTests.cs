using System.Net.Quic;
using System.Security.Authentication;
using SseApp.Gateway.Clients;

namespace SseApp.Tests.Gateway.Tls;

public sealed class TlsTests : GatewayTest
{
    private readonly TestCertificate _certificate = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_stream_comes_over_HTTPS_event_by_event(int httpVersion)
    {
        var origin = await OriginAsync("r1");
        var gateway = await SecureAsync();
        using var http = Client(gateway, httpVersion);
        using var client = await StreamClient.OpenAsync(http);
        Assert.Equal(httpVersion, client.Response.Version.Major);
        await client.ReadUntilAsync("stream.open");
        for (var i = 1; i <= 5; i++)
        {
            origin.Send($"data: {i}\n\n");
            await client.ReadUntilAsync($"data: {i}\n\n");
        }

        Assert.Equal("https", origin.Requests.Single().Headers["X-Forwarded-Proto"]);
        Assert.Equal(["identity"], client.Response.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task One_HTTP2_connection_carries_more_streams_than_an_HTTP1_browser_may_open()
    {
        var origin = await OriginAsync("r1");
        var gateway = await SecureAsync();
        var handshakes = new List<string>();
        using var http = Client(gateway, 2, handshakes);
        var clients = new List<StreamClient>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await StreamClient.OpenAsync(http));
        }

        Assert.Equal(20, origin.OpenStreams);
        Assert.Single(handshakes);
        clients.ForEach(client => client.Dispose());
        await UntilAsync(() => origin.OpenStreams == 0, "the replica's streams to end after the client left");
    }

    [Fact]
    public async Task An_EventSource_too_many_on_an_HTTP2_connection_is_told_so_and_does_not_wait()
    {
        const int Streams = 150;
        var origin = await OriginAsync("r1");
        var gateway = await SecureAsync(("Limits:StreamsPerAddress", Streams.ToString(CultureInfo.InvariantCulture)));
        await using var client = await RawHttp2.ConnectAsync(gateway.SecureAddress);
        for (var i = 0; i <= Streams; i++)
        {
            await client.SendAsync(RawHttp2.Get((2 * i) + 1, "/events?topic=a", ("accept", "text/event-stream")));
            Assert.Equal(200, await client.AnswerAsync((2 * i) + 1));
        }

        // The last one is the refusal that an EventSource survives, and there is room for the page's other requests.
        Assert.Equal(Streams, origin.OpenStreams);
        await client.SendAsync(RawHttp2.Get((2 * Streams) + 3, "/topics/a"));
        Assert.Equal(200, await client.AnswerAsync((2 * Streams) + 3));
    }

    [Theory]
    [InlineData(100, null, 1_000)]
    [InlineData(600, null, 1_200)]
    [InlineData(100, 2_000, 4_000)]
    [InlineData(0, null, 10_000)]
    [InlineData(100, 0, 10_000)]
    [InlineData(1_000_000, null, 10_000)]
    public void A_connection_has_room_for_more_streams_than_its_address_may_have(int perAddress, int? ofOneClient, int expected)
    {
        var options = new LimitsOptions { StreamsPerAddress = perAddress };
        if (ofOneClient is { } streams)
        {
            options.Clients.Add(new NamedClient { Name = "backend", Streams = streams });
        }

        Assert.Equal(expected, options.RequestsPerConnection);
    }

    [Fact]
    public async Task A_client_that_closes_its_HTTP2_connection_is_no_failure_in_the_log()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync();
        for (var i = 0; i < 60; i++)
        {
            await using var client = await RawHttp2.ConnectAsync(gateway.SecureAddress);
            await client.SendAsync(RawHttp2.Get(1, "/topics/a"));
            Assert.NotNull(await client.AnswerAsync(1));
            // Last stream and no error; the server says the same, and ends the connection.
            await client.SendAsync(Http2Frame.Write(Http2Frame.GoAway, 0, 0, new byte[8]));
            Assert.Equal(0, await client.EndedAsync());
        }

        await gateway.StopAsync();
        Assert.DoesNotContain(gateway.Logs, message => message.Contains("Unhandled exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_PFX_file_with_a_password_serves_as_well()
    {
        await OriginAsync("r1");
        var pfx = _certificate.WritePfx("from-pfx", "secret");
        var gateway = await GatewayAsync(("Tls:CertificateFile", pfx), ("Tls:Password", "secret"), ("Tls:Urls", "https://127.0.0.1:0"));
        var seen = new List<string>();
        using var http = Client(gateway, 2, seen);
        Assert.Equal("r1", await http.GetStringAsync("/topics/a", Cancellation));
        Assert.Equal(["from-pfx"], seen);
    }

    [Fact]
    public async Task A_renewed_certificate_is_used_for_new_connections_and_open_streams_go_on()
    {
        var origin = await OriginAsync("r1");
        var gateway = await SecureAsync();
        using var before = Client(gateway, 2);
        using var stream = await StreamClient.OpenAsync(before);
        await stream.ReadUntilAsync("stream.open");

        _certificate.Write("second");

        await Eventually.Async(async () => await ServedAsync(gateway) == "second", TimeSpan.FromSeconds(15), "the renewed certificate to be served");
        origin.Send("data: still here\n\n");
        await stream.ReadUntilAsync("data: still here\n\n");
    }

    [Fact]
    public async Task An_expired_certificate_ends_no_open_stream_and_lets_no_new_client_in_until_it_is_renewed()
    {
        var origin = await OriginAsync("r1");
        var gateway = await SecureAsync();
        using var before = Client(gateway, 2);
        using var stream = await StreamClient.OpenAsync(before);
        await stream.ReadUntilAsync("stream.open");

        _certificate.Write("expired", validFor: -TimeSpan.FromHours(1));
        var served = new List<string>();
        await Eventually.Async(
            async () =>
            {
                using var late = Client(gateway, 2, served);
                try
                {
                    await late.GetStringAsync("/topics/a", Cancellation);
                    return false;
                }
                catch (HttpRequestException exception) when (exception.InnerException is AuthenticationException)
                {
                    return true;
                }
            },
            TimeSpan.FromSeconds(15),
            "a client to refuse the expired certificate");
        Assert.Equal("expired", served[^1]);
        Assert.Contains(gateway.Logs, message => message.Contains("The certificate CN=expired expires at", StringComparison.Ordinal));
        origin.Send("data: still here\n\n");
        await stream.ReadUntilAsync("data: still here\n\n");

        _certificate.Write("renewed");
        await Eventually.Async(
            async () =>
            {
                try
                {
                    return await ServedAsync(gateway) == "renewed";
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(15),
            "the renewed certificate to be served");
    }

    [Fact]
    public async Task A_broken_certificate_file_leaves_the_former_one_and_says_what_to_do()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync();

        await File.WriteAllTextAsync(_certificate.CertificateFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Cancellation);
        await UntilAsync(
            () => gateway.Logs.Any(message => message.Contains("the previous certificate stays in use", StringComparison.Ordinal)
                && message.Contains("A PEM file needs the certificate first", StringComparison.Ordinal)),
            "the broken file to be reported");
        Assert.Equal("first", await ServedAsync(gateway));

        _certificate.Write("third");
        await Eventually.Async(async () => await ServedAsync(gateway) == "third", TimeSpan.FromSeconds(15), "the repaired certificate to be served");
    }

    [Fact]
    public async Task Plain_requests_are_sent_to_HTTPS_with_308_but_not_probes_of_this_machine()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync();
        using var plain = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = gateway.Address };

        using var redirect = await plain.GetAsync("/events?topic=a%20b", Cancellation);
        Assert.Equal(HttpStatusCode.PermanentRedirect, redirect.StatusCode);
        Assert.Equal($"https://127.0.0.1:{gateway.SecureAddress.Port}/events?topic=a%20b", redirect.Headers.Location!.OriginalString);
        foreach (var probe in new[] { "/health", "/alive" })
        {
            using var response = await plain.GetAsync(probe, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        using var proxied = new HttpRequestMessage(HttpMethod.Get, "/health");
        proxied.Headers.Add("X-Forwarded-For", "192.0.2.1");
        using var sent = await plain.SendAsync(proxied, Cancellation);
        Assert.Equal(HttpStatusCode.PermanentRedirect, sent.StatusCode);
    }

    [Fact]
    public async Task Behind_a_proxy_that_ends_TLS_nothing_is_redirected()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync(("Proxies:Known:0", "127.0.0.1"));
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "events.example"));

        Assert.Equal("r1", await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task The_redirect_names_the_port_that_clients_see_and_can_be_switched_off()
    {
        await OriginAsync("r1");
        var seen443 = await SecureAsync(("Tls:PublicPort", "443"));
        using var plain = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = seen443.Address };
        using var redirect = await plain.GetAsync("/topics/a", Cancellation);
        Assert.Equal("https://127.0.0.1/topics/a", redirect.Headers.Location!.OriginalString);

        var both = await SecureAsync(("Tls:Redirect", "false"));
        Assert.Equal("r1", await both.Client.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task Browsers_are_instructed_to_stay_with_HTTPS_only_over_HTTPS()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync(("Tls:HstsMaxAge", "10.00:00:00"), ("Tls:HstsIncludeSubDomains", "true"));
        using var http = Client(gateway, 2);
        using var secure = await http.GetAsync("/topics/a", Cancellation);
        Assert.Equal("max-age=864000; includeSubDomains", Assert.Single(secure.Headers.GetValues("Strict-Transport-Security")));

        using var plain = await gateway.Client.GetAsync("/alive", Cancellation);
        Assert.False(plain.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public async Task Refusals_and_second_tries_carry_the_headers_of_every_response()
    {
        var gateway = await SecureAsync(("Tls:HstsMaxAge", "10.00:00:00"), ("ResponseHeaders:Set:X-Site", "one"), ("ReplicaHealth:MaxFails", "0"));
        using var http = Client(gateway, 1);
        using var refused = await http.GetAsync("/topics/a", Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        AssertHeaders(refused);
        using (var stream = await StreamClient.OpenAsync(http))
        {
            await stream.ReadUntilAsync("stream.unavailable");
            AssertHeaders(stream.Response);
        }

        var broken = await TcpOriginAsync("r1", (_, _) => Task.CompletedTask);
        await OriginAsync("r2");
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "both replicas to be known");
        while (broken.Requests == 0)
        {
            using var retried = await http.GetAsync("/topics/a", Cancellation);
            Assert.Equal("r2", await retried.Content.ReadAsStringAsync(Cancellation));
            AssertHeaders(retried);
        }

        static void AssertHeaders(HttpResponseMessage response)
        {
            Assert.Equal("max-age=864000", Assert.Single(response.Headers.GetValues("Strict-Transport-Security")));
            Assert.Equal("one", Assert.Single(response.Headers.GetValues("X-Site")));
        }
    }

    [Fact]
    public async Task A_client_that_reconnects_resumes_its_TLS_session()
    {
        if (BackplaneServer.FindOnPath("openssl") is not { } openssl)
        {
            Assert.Skip("The openssl program is not installed; no other client tells whether a session was resumed.");
            return;
        }

        var gateway = await SecureAsync();
        var session = _certificate.KeyFile + ".session";
        Assert.Contains("New, TLSv1.2", await HandshakeAsync("-sess_out"), StringComparison.Ordinal);
        Assert.Contains("Reused, TLSv1.2", await HandshakeAsync("-sess_in"), StringComparison.Ordinal);

        async Task<string> HandshakeAsync(string use)
        {
            // With TLS 1.2 the ticket is part of the handshake; with 1.3 it comes at a time that no option waits for.
            var start = new ProcessStartInfo(openssl, ["s_client", "-connect", gateway.SecureAddress.Authority, "-servername", "events.example", "-tls1_2", use, session])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            return await process.StandardOutput.ReadToEndAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Old_protocols_are_refused()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync(("Tls:MinVersion", "Tls13"));
        using var old = _certificate.Client(gateway.SecureAddress, protocols: SslProtocols.Tls12);
        await Assert.ThrowsAsync<HttpRequestException>(() => old.GetStringAsync("/topics/a", Cancellation));
        using var http = Client(gateway, 2);
        Assert.Equal("r1", await http.GetStringAsync("/topics/a", Cancellation));
    }

    [Fact]
    public async Task HTTP3_is_announced_where_the_platform_has_it_and_its_absence_is_said()
    {
        await OriginAsync("r1");
        var gateway = await SecureAsync(("Tls:Http3", "true"));
        using var http = Client(gateway, 2);
        using var response = await http.GetAsync("/topics/a", Cancellation);
        Assert.Equal("r1", await response.Content.ReadAsStringAsync(Cancellation));

        var announced = response.Headers.TryGetValues("Alt-Svc", out var values) && values.Any(value => value.StartsWith("h3=", StringComparison.Ordinal));
        var warned = gateway.Logs.Any(message => message.Contains("install libmsquic", StringComparison.Ordinal));
#pragma warning disable CA1416 // The property itself says whether the platform has QUIC.
        Assert.Equal((QuicListener.IsSupported, !QuicListener.IsSupported), (announced, warned));
#pragma warning restore CA1416
    }

    [Fact]
    public async Task The_program_listens_on_the_addresses_of_its_environment_and_of_Tls_without_a_warning()
    {
        await using var redis = new RedisServer();
        await redis.RequireAsync();
        var secure = new Uri($"https://127.0.0.1:{Ports.Next()}");
        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["Tls__CertificateFile"] = _certificate.CertificateFile,
            ["Tls__KeyFile"] = _certificate.KeyFile,
            ["Tls__Urls"] = secure.GetLeftPart(UriPartial.Authority),
        });
        await gateway.StartAsync();
        using var http = _certificate.Client(secure);

        Assert.Contains("SseApp playground", await http.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain("Overriding", gateway.Process.Tail(100), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Tls:CertificateFile", "/nowhere/fullchain.pem", "does not exist; put the certificate there")]
    [InlineData("Tls:KeyFile", "/nowhere/key.pem", "does not exist; put the certificate there")]
    [InlineData("Tls:KeyFile", "", "A PEM file needs the certificate first and its own key")]
    [InlineData("Tls:Urls", "http://*:8080", "must begin with https://")]
    [InlineData("Tls:Urls", "8443", "Tls:Urls is '8443'")]
    [InlineData("Tls:HstsMaxAge", "-1.00:00:00", "HstsMaxAge")]
    public async Task A_wrong_setting_stops_the_start_and_says_what_to_do(string key, string value, string message)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => SecureAsync((key, value)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_stops_the_start_and_says_what_to_do()
    {
        var pfx = _certificate.WritePfx("from-pfx", "secret");
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GatewayAsync(("Tls:CertificateFile", pfx), ("Tls:Password", "wrong"), ("Tls:Urls", "https://127.0.0.1:0")));
        Assert.Contains("needs Tls:Password", exception.Message, StringComparison.Ordinal);
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _certificate.Dispose();
        return default;
    }

    private Task<GatewayHost> SecureAsync(params (string Key, string Value)[] settings) => GatewayAsync(
        [
            .. new[]
            {
                ("Tls:CertificateFile", _certificate.CertificateFile),
                ("Tls:KeyFile", _certificate.KeyFile),
                ("Tls:Urls", "https://127.0.0.1:0"),
                ("Tls:PollInterval", "00:00:01"),
            }.Where(setting => !settings.Any(own => own.Key == setting.Item1)),
            .. settings,
        ]);

    private HttpClient Client(GatewayHost gateway, int httpVersion, ICollection<string>? seen = null)
    {
        var client = _certificate.Client(gateway.SecureAddress, seen);
        client.DefaultRequestVersion = new Version(httpVersion, httpVersion == 1 ? 1 : 0);
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return client;
    }

    private async Task<string> ServedAsync(GatewayHost gateway)
    {
        var seen = new List<string>();
        using var client = Client(gateway, 2, seen);
        using var response = await client.GetAsync("/alive", Cancellation);
        return Assert.Single(seen);
    }
}
