namespace SseApp.Tests.EndToEnd;

/// <summary>Real processes that may open only few files, and more clients than that is enough for.</summary>
[Collection<RunsAlone>]
public sealed class DescriptorTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Beyond_its_open_files_a_gateway_asks_clients_to_come_back()
    {
        await using var cluster = await StartAsync(512, 0);
        await Eventually.Async(
            () => cluster.Gateway.Process.Tail(200).Contains("Limits:StreamsPerGateway is 50000, but the process may have only 512 files open", StringComparison.Ordinal),
            s_limit,
            "the warning that the setting promises too much");
        await AssertServesWithinAsync(cluster, cluster.Gateway, 400);
    }

    /// <summary>The supervisor restarts a process that does not answer for <c>Restart:HungAfter</c>.</summary>
    [Fact]
    public async Task Connections_that_say_nothing_keep_no_probe_waiting_and_end_no_stream()
    {
        await using var cluster = await StartAsync(512, 0);
        foreach (var service in (ServiceProcess[])[cluster.Gateway, cluster.Replicas[0]])
        {
            // Before them: a stream, and a publish of which half has come.
            using var stream = await ConnectAsync(service.Address, "GET /events?topic=full HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
            await ReadUntilAsync(stream, text => text.Contains("event: stream.open", StringComparison.Ordinal));
            using var publish = await ConnectAsync(service.Address, "POST /topics/full/events HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nin-");
            var waiting = new List<Socket>();
            try
            {
                for (var i = 0; i < 600; i++)
                {
                    waiting.Add(await ConnectAsync(service.Address, i % 10 == 9 ? "GET / HTTP/1.1\r\nHost: " : ""));
                }

                // A new connection each time, behind all of them.
                for (var i = 0; i < 3; i++)
                {
                    using var probe = await ConnectAsync(service.Address, "GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                    await ReadUntilAsync(probe, text => text.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
                }

                await publish.SendAsync("two-half"u8.ToArray(), TestContext.Current.CancellationToken);
                await ReadUntilAsync(publish, text => text.StartsWith("HTTP/1.1 201 ", StringComparison.Ordinal));
                await ReadUntilAsync(stream, text => text.Contains("in-two-half", StringComparison.Ordinal));
            }
            finally
            {
                waiting.ForEach(socket => socket.Dispose());
            }
        }
    }

    [Theory]
    [InlineData("SseApp.Events")]
    [InlineData("SseApp.Gateway")]
    public async Task With_too_few_open_files_a_service_says_so_and_does_not_start(string project)
    {
        await using var service = new ServiceProcess("few", project, [new("ConnectionStrings__redis", "127.0.0.1:1")], files: (256, 0));
        await Assert.ThrowsAsync<InvalidOperationException>(service.StartAsync);
        await service.Process.WaitForExitAsync();
        Assert.Equal(1, service.Process.ExitCode);
        Assert.StartsWith("The limit of open files is 256; this service needs at least 400", service.Process.Tail(), StringComparison.Ordinal);
    }

    [LongTheory]
    [InlineData(1024, 0, 1000, true)]
    [InlineData(1024, 0, 1000, false)]
    [InlineData(1024, 400, 1000, true)]
    public async Task Gateway_and_replica_live_through_it(int limit, int taken, int clients, bool relay)
    {
        await using var cluster = await StartAsync(limit, taken, ("Relay:Enabled", relay.ToString()));
        // Without the relay a stream needs two at once, so that a crowd is refused before all are in use.
        await AssertServesWithinAsync(cluster, cluster.Gateway, clients, full: relay);
        await AssertServesWithinAsync(cluster, cluster.Replicas[0], clients);
    }

    [LongFact]
    public async Task Connections_that_only_wait_make_room_for_others()
    {
        await using var cluster = await StartAsync(1024, 0);
        var sockets = new List<Socket>();
        try
        {
            // Half of them without a request, half in the middle of one's head; more than the queue of the system is for later.
            for (var i = 0; i < 1500; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync(cluster.Gateway.Address.Host, cluster.Gateway.Address.Port, TestContext.Current.CancellationToken);
                if (i % 2 == 0)
                {
                    await socket.SendAsync("GET / HTTP/1.1\r\nHost: "u8.ToArray(), TestContext.Current.CancellationToken);
                }
            }

            await AssertServesWithinAsync(cluster, cluster.Gateway, 50, mayRefuse: false);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private Task<ServiceCluster> StartAsync(int limit, int taken, params (string Key, string Value)[] settings) =>
        ServiceCluster.StartAsync(redis, new ServiceClusterOptions { Replicas = 1, Files = (limit, taken), Settings = settings });

    /// <summary>All clients get a stream or a refusal, what is published reaches all streams, and the service stays reachable.</summary>
    private static async Task AssertServesWithinAsync(ServiceCluster cluster, ServiceProcess service, int clients, bool mayRefuse = true, bool full = true)
    {
        using var http = new HttpClient { BaseAddress = service.Address, Timeout = s_limit };
        using var admin = OperatorAccess.Client(service.Admin, timeout: s_limit);
        var sockets = new Socket[clients];
        try
        {
            var answers = await Task.WhenAll(sockets.Select((_, index) => OpenAsync(sockets, index, service.Address)));
            var open = sockets.Where((_, index) => answers[index].Contains("event: stream.open", StringComparison.Ordinal)).ToArray();
            Assert.NotEmpty(open);
            Assert.All(answers, answer => Assert.True(
                answer.Contains("event: stream.open", StringComparison.Ordinal) || answer.Contains("event: stream.unavailable", StringComparison.Ordinal), answer));
            // Without the relay some may be refused because the crowd keeps the replica from answering in time.
            Assert.Equal(mayRefuse, Array.Exists(answers, answer => answer.Contains("{\"reason\":\"open-files\"", StringComparison.Ordinal)));
            Assert.Equal(mayRefuse, open.Length < clients);

            var health = await admin.GetFromJsonAsync<JsonElement>("/health", TestContext.Current.CancellationToken);
            Assert.True(!mayRefuse || !full || health.GetProperty("status").GetString() == "degraded", health.ToString());
            var descriptors = health.GetProperty("descriptors");
            Assert.InRange(descriptors.GetProperty("open").GetInt32(), open.Length, descriptors.GetProperty("limit").GetInt32());
            Assert.Contains("sse_open_descriptors ", await admin.GetStringAsync("/metrics", TestContext.Current.CancellationToken), StringComparison.Ordinal);

            using var published = await http.PostAsync("/topics/full/events", new StringContent("reaches-all"), TestContext.Current.CancellationToken);
            Assert.True(published.StatusCode == HttpStatusCode.Created, await published.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            await Task.WhenAll(open.Select(socket => ReadUntilAsync(socket, text => text.Contains("reaches-all", StringComparison.Ordinal))));
        }
        finally
        {
            Array.ForEach(sockets, socket => socket?.Dispose());
        }

        Assert.False(cluster.Gateway.Process.HasExited || cluster.Replicas[0].Process.HasExited, "A process ended.");
        await Eventually.Async(
            async () => (await http.GetFromJsonAsync<JsonElement>("/health", TestContext.Current.CancellationToken)).GetProperty("status").GetString() == "healthy",
            s_limit,
            "the service to have room again");
        await using var again = await SseReader.OpenAsync(http, "/events?topic=full");
        await again.OpenedAsync();
    }

    private static async Task<Socket> ConnectAsync(Uri address, string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        return socket;
    }

    private static async Task<string> OpenAsync(Socket[] sockets, int index, Uri address)
    {
        for (var attempt = 1; ; attempt++)
        {
            var socket = sockets[index] = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
                await socket.SendAsync("GET /events?topic=full HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                return await ReadUntilAsync(socket, text => text.Contains("event: stream.", StringComparison.Ordinal) && text.Contains("data: {", StringComparison.Ordinal));
            }
            catch (SocketException) when (attempt < 10)
            {
                // A machine too busy to read a request within seconds takes the connection for one that only waits. An
                // EventSource reconnects after that.
                socket.Dispose();
            }
        }
    }

    private static async Task<string> ReadUntilAsync(Socket socket, Predicate<string> whole, TimeSpan? limit = null)
    {
        var (buffer, text) = (new byte[4096], "");
        while (!whole(text))
        {
            var read = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(limit ?? s_limit, TimeProvider.System);
            Assert.True(read > 0, $"The connection ended after: {text}");
            text += Encoding.UTF8.GetString(buffer, 0, read);
        }

        return text;
    }
}
