namespace SseApp.Tests.Gateway.Relay;

/// <summary>Short publishes over relay connections: to clients there is no difference to requests of their own.</summary>
public sealed class RelayPublishTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Each_answer_is_what_a_request_of_its_own_gets()
    {
        var replica = await ReplicaAsync([.. Tokens.Settings]);
        var relayed = await StartGatewayAsync(1, [.. Tokens.Settings]);
        var forwarded = await StartGatewayAsync(1, [.. Tokens.Settings, ("Relay:Enabled", "false")]);
        using var measured = replica.Collect("sse_events_published_total");
        var token = Tokens.Make(subscribe: ["*"], publish: ["orders.*", "a/b"]);
        foreach (var (path, body, headers) in new (string, string, (string, string)[])[]
        {
            ("/topics/orders.1/events", "hello", []),
            ("/topics/orders.1/events?event=sold&key=k", "Größe \u2028\n\nend", []),
            ("/topics/orders.1/events", "", []),
            ("/topics/a%2Fb/events", "a slash within a name", []),
            ("/Topics/orders.2/Events/", "as routing compares paths", []),
            ("/topics/orders.1/events?event=two%0Alines", "bad", []),
            ("/topics/others.1/events", "denied", []),
            ("/topics/orders.1/events", "once", [("Idempotency-Key", "k1")]),
            ("/topics/orders.1/events", "once", [("Idempotency-Key", "k1")]),
            ("/topics/orders.1/events", new string('x', RelayProtocol.MaxRequestBody), []),
            ("/topics/orders.1/events", new string('x', RelayProtocol.MaxRequestBody + 1), []),
            ("/publish", """[{"topic":"orders.3","data":"1"},{"topic":"others.3","data":"2"}]""", []),
            ("/publish", "no json", []),
            ("/topics//events", "no name", []),
        })
        {
            var first = await AskAsync(relayed, path, body, token, headers);
            var second = await AskAsync(forwarded, path, body, token, headers);
            Assert.Equal((path, second.Status, second.Headers, second.Body), (path, first.Status, first.Headers, first.Body));
            Assert.NotEqual(HttpStatusCode.InternalServerError, first.Status);
        }

        Assert.NotEmpty(RelayTests.Links(relayed));
        Assert.Empty(RelayTests.Links(forwarded));
    }

    [Fact]
    public async Task Many_at_once_are_each_answered_with_their_own_event()
    {
        await ReplicaAsync();
        var gateway = await StartGatewayAsync(1, ("Relay:ConnectionsPerReplica", "1"));
        await using var reader = await SseReader.OpenAsync(gateway.Client, "/events?topic=all");
        await reader.OpenedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            using var answer = await gateway.Client.PostAsync("/topics/all/events", new StringContent($"event {i}"), Cancellation);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            using var stored = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
            return (Id: stored.RootElement.GetProperty("id").GetString(), Data: $"event {i}");
        }));

        var got = new Dictionary<string, string>(StringComparer.Ordinal);
        while (got.Count < answers.Length)
        {
            var next = await reader.NextAsync() ?? throw new InvalidOperationException($"The stream ended after {got.Count} events.");
            got.Add(next.LastEventId, next.Data);
        }

        Assert.All(answers, answer => Assert.Equal(answer.Data, got[answer.Id!]));
        // One for the stream, and one for what would have been hundreds of connections.
        Assert.Equal(2, RelayTests.Links(gateway).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_replica_that_stops_answers_all_that_it_was_asked_and_none_is_lost_or_refused(bool relayed)
    {
        var leaving = await ReplicaAsync(("Drain:Window", relayed ? "00:00:00" : "00:00:02"));
        var gateway = await StartGatewayAsync(1, ("Relay:Enabled", relayed ? "true" : "false"));
        await ReplicaAsync();
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the second replica");
        using var stop = new CancellationTokenSource();
        var statuses = new List<HttpStatusCode>[8];
        var publishers = Enumerable.Range(0, statuses.Length).Select(async i =>
        {
            statuses[i] = [];
            while (!stop.IsCancellationRequested)
            {
                using var answer = await gateway.Client.PostAsync("/topics/t/events", new StringContent("x"), Cancellation);
                statuses[i].Add(answer.StatusCode);
            }
        }).ToArray();
        await UntilAsync(() => statuses.All(list => list is { Count: > 20 }), "publishes from all publishers");

        await leaving.StopAsync();
        await stop.CancelAsync();
        await Task.WhenAll(publishers);

        Assert.All(statuses, list => Assert.All(list, status => Assert.Equal(HttpStatusCode.Created, status)));
    }

    [Fact]
    public async Task What_a_replica_that_has_said_that_it_stops_would_get_goes_to_another()
    {
        var quiet = new TaskCompletionSource();
        var stopping = await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            output.Append(RelayFrameType.Stopping, 0, static (_, _) => { });
            output.Flush();
            while (await RelayOrigin.ReadAsync(stream, cancellation) is { } frame)
            {
                if (frame.Type == RelayFrameType.Quiet)
                {
                    quiet.SetResult();
                }
                else
                {
                    Answer(output, RelayRequest.Read(frame.Body).Id, "r1");
                }
            }
        });
        await HandlingOriginAsync("r2", static context => context.Response.WriteAsync("r2"));
        var gateway = await GatewayAsync(("Balancing:Policy", "RoundRobin"), ("Relay:ConnectionsPerReplica", "1"));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "both replicas");
        await Eventually.Async(
            async () =>
            {
                (await PostAsync(gateway, "/topics/t/events", "before")).Dispose();
                return quiet.Task.IsCompleted;
            },
            TimeSpan.FromSeconds(30),
            "the gateway to have heard that the replica stops");

        for (var i = 0; i < 6; i++)
        {
            using var answer = await PostAsync(gateway, "/topics/t/events", "after");
            Assert.Equal((HttpStatusCode.OK, "r2"), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation)));
        }

        // The one that was upgraded.
        Assert.Equal(1, stopping.Requests);
        Assert.Equal(2, gateway.AvailableReplicas());
    }

    [Fact]
    public async Task When_the_connection_breaks_while_it_is_made_another_replica_gets_the_publish()
    {
        var origin = Own(TcpOrigin.Start(static (_, _) => Task.CompletedTask));
        await Registry.WriteAsync(origin.Record("r1") with { Relay = RelayProtocol.Version }, announce: true, Cancellation);
        await HandlingOriginAsync("r2", static context => context.Response.WriteAsync("r2"));
        var gateway = await GatewayAsync(("Balancing:Policy", "RoundRobin"), ("ReplicaHealth:MaxFails", "100"));
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "both replicas");

        for (var i = 0; i < 4; i++)
        {
            using var answer = await PostAsync(gateway, "/topics/t/events", "once");
            Assert.Equal((HttpStatusCode.OK, "r2"), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation)));
        }

        Assert.True(origin.Requests > 0, "The replica that breaks was not asked.");
    }

    [Fact]
    public async Task When_the_connection_breaks_before_the_answer_only_what_may_be_repeated_goes_elsewhere()
    {
        var asked = 0;
        await RelayOriginAsync("r1", async (stream, _, cancellation) =>
        {
            Interlocked.Increment(ref asked);
            await ReadRequestAsync(stream, cancellation);
        });
        await HandlingOriginAsync("r2", static async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync("r2 got " + await body.ReadToEndAsync());
        });
        var gateway = await GatewayAsync(("Balancing:Policy", "RoundRobin"), ("ReplicaHealth:MaxFails", "100"));

        var singles = new List<(HttpStatusCode Status, string Body)>();
        for (var i = 0; i < 4; i++)
        {
            using var repeatable = await PostAsync(gateway, "/topics/t/events", "again", ("Idempotency-Key", "k"));
            Assert.Equal((HttpStatusCode.OK, "r2 got again"), (repeatable.StatusCode, await repeatable.Content.ReadAsStringAsync(Cancellation)));
        }

        for (var i = 0; i < 4; i++)
        {
            using var single = await PostAsync(gateway, "/topics/t/events", "once");
            singles.Add((single.StatusCode, await single.Content.ReadAsStringAsync(Cancellation)));
        }

        Assert.True(asked > 0, "The replica that breaks was not asked.");
        var failed = singles.FindAll(static answer => answer.Status != HttpStatusCode.OK);
        Assert.NotEmpty(failed);
        Assert.All(failed, answer => Assert.Equal(HttpStatusCode.BadGateway, answer.Status));
        Assert.All(failed, answer => Assert.Contains("unknown", answer.Body, StringComparison.Ordinal));
        Assert.All(singles.Except(failed), answer => Assert.Equal("r2 got once", answer.Body));
    }

    [Fact]
    public async Task A_client_that_leaves_is_forgotten_and_its_number_goes_to_nobody_before_the_answer()
    {
        var asked = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var next = new TaskCompletionSource<RelayRequest>();
        await RelayOriginAsync("r1", async (stream, output, cancellation) =>
        {
            var first = await ReadRequestAsync(stream, cancellation);
            asked.SetResult();
            var (type, body) = await RelayOrigin.ReadAsync(stream, cancellation) ?? throw new EndOfStreamException();
            Assert.Equal((RelayFrameType.Cancel, first.Id), (type, BitConverter.ToInt32(body)));
            cancelled.SetResult();
            var second = await ReadRequestAsync(stream, cancellation);
            Answer(output, first.Id, "for nobody");
            Answer(output, second.Id, "for the second");
            next.SetResult(second);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        });
        var gateway = await GatewayAsync(("Relay:ConnectionsPerReplica", "1"), ("Relay:PingInterval", "00:01:00"), ("Relay:PingTimeout", "00:05:00"));
        using (var leaving = new TcpClient { LingerState = new LingerOption(true, 0) })
        {
            await leaving.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Cancellation);
            await leaving.GetStream().WriteAsync(
                Encoding.ASCII.GetBytes($"POST /topics/t/events HTTP/1.1\r\nHost: {gateway.Address.Authority}\r\nContent-Length: 1\r\n\r\nx"), Cancellation);
            await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation);
        }

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation);
        using var answer = await gateway.Client.PostAsync("/topics/t/events", new StringContent("y"), Cancellation);

        Assert.Equal("for the second", await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("y", Encoding.UTF8.GetString((await next.Task).Body.Span));
    }

    internal static async Task<RelayRequest> ReadRequestAsync(Stream stream, CancellationToken cancellation)
    {
        var (type, body) = await RelayOrigin.ReadAsync(stream, cancellation) ?? throw new EndOfStreamException("The gateway ended the connection.");
        Assert.Equal(RelayFrameType.Request, type);
        return RelayRequest.Read(body);
    }

    private static void Answer(RelayOutput output, int id, string body)
    {
        output.Append(RelayFrameType.Answer, new RelayAnswer(id, 200, [], Encoding.UTF8.GetBytes(body)), static (writer, answer) => answer.Write(writer));
        output.Flush();
    }

    private static async Task<(HttpStatusCode Status, string Headers, string Body)> AskAsync(
        GatewayHost gateway, string path, string body, string token, (string Name, string Value)[] headers)
    {
        using var answer = await PostAsync(gateway, path, body, [("Authorization", $"Bearer {token}"), .. headers.Select(header => (header.Name, $"{header.Value}-{gateway.Address.Port}"))]);
        // An answer that is there whole says how long it is; else its end is marked.
        var names = answer.Headers.Concat(answer.Content.Headers).Where(static header => header.Key is not ("Date" or "Content-Length" or "Transfer-Encoding"))
            .Select(static header => $"{header.Key}: {string.Join(", ", header.Value)}");
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        // What differs from one event to the next.
        text = System.Text.RegularExpressions.Regex.Replace(text, "\"(?<name>offset|id|traceId)\":(?<value>\"[^\"]*\"|[0-9]+)", "\"${name}\":?", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        return (answer.StatusCode, string.Join("\n", names.Order(StringComparer.Ordinal)), text);
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayHost gateway, string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Address, path)) { Content = new StringContent(body) };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await gateway.Client.SendAsync(request, Cancellation);
    }

    private async Task<EventsHost> ReplicaAsync(params (string, string)[] settings) => Own(await EventsHost.StartAsync(redis, _prefix, settings));

    private Task<GatewayHost> StartGatewayAsync(int replicas, params (string Key, string Value)[] settings) => GatewayOnRedisAsync(redis, _prefix, replicas, settings);
}
