using Microsoft.AspNetCore.Connections.Features;
using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Limits;

public sealed class RefusalPaceTests : GatewayTest
{
    private const string Greedy = "192.0.2.1";
    private const string Other = "192.0.2.2";

    private static readonly TimeSpan s_half = TimeSpan.FromSeconds(0.5);

    // The tests' proxy, so that a test can speak for several clients; two refusals a second are free.
    private static readonly (string, string)[] s_settings =
    [
        ("Proxies:Known:0", "127.0.0.1"),
        ("Limits:RefusalsPerSecond", "2"),
        ("Limits:EventsPerSecond", "1"),
        ("Limits:EventBurst", "1"),
        ("Limits:ConnectsPerSecond", "1"),
        ("Limits:ConnectBurst", "1"),
        ("Limits:ReadsPerSecond", "1"),
    ];

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    [Theory]
    [InlineData("POST", "/topics/a/events", "*/*", HttpStatusCode.TooManyRequests, "publish-rate")]
    [InlineData("GET", "/topics/a/events", "*/*", HttpStatusCode.TooManyRequests, "read-rate")]
    [InlineData("GET", "/events?topic=a", "*/*", HttpStatusCode.TooManyRequests, "connect-rate")]
    [InlineData("GET", "/events?topic=a", "text/event-stream", HttpStatusCode.OK, "connect-rate")]
    [InlineData("GET", "/nothing", "*/*", HttpStatusCode.NotFound, "")]
    public async Task Who_is_refused_again_and_again_waits_for_the_next_refusal_and_nobody_else(string method, string path, string accept, HttpStatusCode status, string reason)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(_time, s_settings);
        using var delayed = new MetricProbe(gateway, "sse_refusals_delayed_total");
        // One is served, where something may be served.
        for (var i = 0; i < (reason.Length == 0 ? 2 : 3); i++)
        {
            using var first = await AskAsync(Greedy);
        }

        var waiting = AskAsync(Greedy);
        await UntilAsync(() => gateway.Get<RefusalPace>().Waiting == 1, "the third refusal to wait");
        // Of another client, and of this one what is no refusal.
        using (var others = await AskAsync(Other))
        {
            Assert.True(reason.Length == 0 || others.StatusCode == HttpStatusCode.OK);
        }

        Assert.Equal("r1", await TextAsync(await SendAsync(gateway, "GET", "/topics/a", reason == "read-rate" ? Other + "3" : Greedy)));
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, delayed.Sum);

        _time.Advance(s_half);
        using var answer = await waiting;
        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(reason, await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(status == HttpStatusCode.TooManyRequests, answer.Headers.RetryAfter is not null);
        Assert.Equal(0, gateway.Get<RefusalPace>().Waiting);

        Task<HttpResponseMessage> AskAsync(string client) => SendAsync(gateway, method, path, client, ("Accept", accept));
    }

    [Fact]
    public async Task A_refusal_waits_a_second_at_most_and_who_kept_quiet_has_none_to_wait_for()
    {
        var gateway = await GatewayAsync(_time, s_settings);
        var pace = gateway.Get<RefusalPace>();
        var answers = Enumerable.Range(0, 8).Select(_ => SendAsync(gateway, "GET", "/nothing", Greedy)).ToArray();
        await UntilAsync(() => pace.Waiting == 6, "all but two to wait");
        _time.Advance(RefusalPace.Longest);
        Array.ForEach(await Task.WhenAll(answers), answer => answer.Dispose());

        _time.Advance(TimeSpan.FromSeconds(2));
        using var again = await SendAsync(gateway, "GET", "/nothing", Greedy);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task Who_sends_much_before_it_is_refused_waits_sooner()
    {
        var gateway = await GatewayAsync(_time, s_settings);
        using var content = new StringContent(new string('x', 200_000));
        using (var first = await gateway.Client.PostAsync("/nothing", content, Cancellation))
        {
            Assert.Equal(HttpStatusCode.NotFound, first.StatusCode);
        }

        var waiting = gateway.Client.GetAsync("/nothing", Cancellation);
        await UntilAsync(() => gateway.Get<RefusalPace>().Waiting == 1, "the second refusal to wait");
        _time.Advance(RefusalPace.Longest);
        using var second = await waiting;
        Assert.Equal(HttpStatusCode.NotFound, second.StatusCode);
    }

    [Fact]
    public async Task A_name_that_is_not_the_gateways_is_refused_at_the_same_pace()
    {
        var gateway = await GatewayAsync(_time, ("Limits:RefusalsPerSecond", "2"));
        for (var i = 0; i < 2; i++)
        {
            using var refused = await gateway.Client.SendAsync(HttpMethod.Get, "/", ("Host", $"h{i}.example"));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        var waiting = gateway.Client.SendAsync(HttpMethod.Get, "/", ("Host", "h3.example"));
        await UntilAsync(() => gateway.Get<RefusalPace>().Waiting == 1, "the third refusal to wait");
        _time.Advance(s_half);
        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task What_a_replica_refuses_waits_and_what_another_service_does_not_have_does_not()
    {
        await HandlingOriginAsync("r1", context =>
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return context.Response.WriteAsync("r1", Cancellation);
        });
        var service = Own(await OriginHost.StartAsync("s1", context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return context.Response.WriteAsync("s1", Cancellation);
        }));
        var gateway = await GatewayAsync(_time, [("Limits:RefusalsPerSecond", "1"), .. OtherService(service)]);
        using (var first = await gateway.Client.GetAsync("/topics/a", Cancellation))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, first.StatusCode);
        }

        for (var i = 0; i < 3; i++)
        {
            using var other = await gateway.Client.GetAsync("/other/a", Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        }

        var waiting = gateway.Client.GetAsync("/topics/a", Cancellation);
        await UntilAsync(() => gateway.Get<RefusalPace>().Waiting == 1, "the second refusal to wait");
        _time.Advance(RefusalPace.Longest);
        using var second = await waiting;
        Assert.Equal("r1", await TextAsync(second));
    }

    [Fact]
    public async Task Who_leaves_and_a_gateway_that_stops_wait_for_no_refusal()
    {
        var gateway = await GatewayAsync(_time, s_settings);
        var pace = gateway.Get<RefusalPace>();
        for (var i = 0; i < 2; i++)
        {
            using var free = await SendAsync(gateway, "GET", "/nothing", Greedy);
        }

        using (var leaving = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) })
        {
            await leaving.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, Cancellation);
            await leaving.SendAsync(Encoding.ASCII.GetBytes($"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {Greedy}\r\n\r\n"), Cancellation);
            await UntilAsync(() => pace.Waiting == 1, "a refusal to wait");
        }

        await UntilAsync(() => pace.Waiting == 0, "the one whose client has left to be forgotten");

        var waiting = SendAsync(gateway, "GET", "/nothing", Greedy);
        await UntilAsync(() => pace.Waiting == 1, "another one to wait");
        await gateway.StopAsync();
        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_client_has_so_many_that_wait_and_a_connection_with_one_more_ends()
    {
        var gateway = await GatewayAsync(_time, s_settings);
        var pace = gateway.Get<RefusalPace>();
        var (held, free) = (new List<Task>(), new List<Connection>());
        for (var i = 0; i < 300; i++)
        {
            var (context, connection) = Refused(Greedy);
            if (pace.BeginAsync(context) is { IsCompleted: false } waiting)
            {
                held.Add(waiting);
            }
            else
            {
                free.Add(connection);
            }
        }

        Assert.Equal(256, held.Count);
        Assert.Equal(300 - 256 - 2, free.Count(connection => connection.IsEnding));
        // Others have their own, until there are too many of all.
        Assert.True(pace.BeginAsync(Refused(Other).Context).IsCompleted);
        for (var i = 0; i < RefusalPace.MaxWaiting; i++)
        {
            _ = pace.BeginAsync(Refused($"198.51.{i % 128}.7").Context);
        }

        Assert.Equal(RefusalPace.MaxWaiting, pace.Waiting);
        _time.Advance(RefusalPace.Longest);
        await Task.WhenAll(held);
        await UntilAsync(() => pace.Waiting == 0, "all to have been answered");
    }

    private static (DefaultHttpContext Context, Connection Connection) Refused(string address)
    {
        var context = new DefaultHttpContext { Response = { StatusCode = StatusCodes.Status404NotFound } };
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        ClientRequest.Classify(context);
        var connection = new Connection();
        context.Features.Set<IConnectionLifetimeNotificationFeature>(connection);
        return (context, connection);
    }

    private static HttpRequestMessage Request(string method, string path, string client, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "POST" ? new StringContent("x") : null };
        foreach (var (name, value) in headers.Append(("X-Forwarded-For", client)))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost gateway, string method, string path, string client, params (string Name, string Value)[] headers)
    {
        using var request = Request(method, path, client, headers);
        return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<string> TextAsync(HttpResponseMessage response)
    {
        using (response)
        {
            return await response.Content.ReadAsStringAsync(Cancellation);
        }
    }

    private sealed class Connection : IConnectionLifetimeNotificationFeature
    {
        public bool IsEnding { get; private set; }

        public CancellationToken ConnectionClosedRequested { get; set; }

        public void RequestClose() => IsEnding = true;
    }
}
