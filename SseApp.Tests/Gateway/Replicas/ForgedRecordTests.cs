using SseApp.Events.Replicas;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Operators;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Keys;
using StackExchange.Redis;

namespace SseApp.Tests.Gateway.Replicas;

/// <summary>What somebody can do who writes into Redis and does not have the key.</summary>
public sealed class ForgedRecordTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task A_forged_record_gets_no_request_whatever_it_looks_like()
    {
        var replica = await ReplicaAsync();
        var gateway = await StartGatewayAsync();
        using var forged = new MetricProbe(gateway, "sse_forged_total");
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        var stranger = Own(await OriginHost.StartAsync("evil"));
        var id = replica.Get<ReplicaIdentity>().Id;
        var genuine = await database.StringGetAsync(Key(id));

        // As it was before records were signed; the genuine one under another id, and with another address.
        await WriteAsync("evil", $$"""{"id":"evil","address":"{{stranger.Address}}","state":"Ready","weight":1000,"startedAt":"2026-11-28T10:00:00+00:00"}""");
        await WriteAsync("copy", genuine);
        await WriteAsync(id, genuine.ToString().Replace(replica.Address.AbsoluteUri, stranger.Address.AbsoluteUri, StringComparison.Ordinal));
        var other = new RecordSignature(new GatewayKeys(new byte[KeyText.Length]), TimeProvider.System);
        await WriteAsync("other", other.Sign(ForgedKind.Record, Key("other"), Body("other")));
        var old = new RecordSignature(ClusterKey.Keys, new FakeTimeProvider(TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(61)));
        await WriteAsync("old", old.Sign(ForgedKind.Record, Key("old"), Body("old")));
        var future = new RecordSignature(ClusterKey.Keys, new FakeTimeProvider(TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(90)));
        await WriteAsync("future", future.Sign(ForgedKind.Record, Key("future"), Body("future")));
        await WriteAsync("command", ClusterKey.Records.Sign(ForgedKind.Command, Key("command"), Body("command")));
        await WriteAsync("swapped", ClusterKey.Records.Sign(ForgedKind.Record, Key("swapped"), Body("else")));
        await connection.GetSubscriber().PublishAsync(
            RedisChannel.Literal($"{_prefix}:replicas:changed"), $$"""{"replicaId":"announced","record":{{Body("announced")}}}""");

        await UntilAsync(() => forged.Sum > 30, "the forged records to be counted");
        Assert.Equal([id], gateway.RoutedReplicas());
        for (var i = 0; i < 6; i++)
        {
            using var answer = await gateway.Client.SendAsync(HttpMethod.Get, "/topics/a", ("Authorization", "Bearer users-token"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Empty(stranger.Requests);
        Assert.Equal(0, stranger.HealthChecks);
        Assert.Contains(gateway.Logs, message => message.StartsWith("Ignored a forged record", StringComparison.Ordinal));

        string Body(string name) => $$"""{"id":"{{name}}","address":"{{stranger.Address}}","state":"Ready","weight":1000,"startedAt":"2026-11-28T10:00:00+00:00"}""";

        async Task WriteAsync(string name, RedisValue value)
        {
            await database.StringSetAsync(Key(name), value, TimeSpan.FromSeconds(60));
            await database.SetAddAsync($"{{{_prefix}:replicas}}", name);
        }
    }

    [Fact]
    public async Task A_replica_that_has_left_cannot_be_brought_back_by_what_it_said_before()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var connection = await redis.ConnectAsync();
        var registry = ClusterKey.Registry(connection, _prefix, time: time);
        var changes = registry.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        var origin = Own(await OriginHost.StartAsync("r1"));
        var first = changes.MoveNextAsync().AsTask();
        await Eventually.Async(
            async () =>
            {
                await registry.WriteAsync(origin.Record, announce: true, Cancellation);
                return first.IsCompleted;
            },
            TimeSpan.FromSeconds(10),
            "the announcement");
        var said = await connection.GetDatabase().StringGetAsync(Key("r1"));
        time.Advance(TimeSpan.FromSeconds(1));
        await registry.RemoveAsync("r1", Cancellation);
        while (await changes.MoveNextAsync() && changes.Current.Record is not null)
        {
            // Announced again and again until the first came.
        }

        await connection.GetDatabase().StringSetAsync(Key("r1"), said);
        await connection.GetDatabase().SetAddAsync($"{{{_prefix}:replicas}}", "r1");
        Assert.Empty(await registry.ReadAsync(Cancellation));
        await changes.DisposeAsync();

        // It may come back itself, and then what it said last counts, whatever is written into its place.
        time.Advance(TimeSpan.FromSeconds(1));
        await registry.WriteAsync(origin.Record with { State = ReplicaState.Draining }, announce: false, Cancellation);
        Assert.Equal(ReplicaState.Draining, Assert.Single(await registry.ReadAsync(Cancellation)).State);
        await connection.GetDatabase().StringSetAsync(Key("r1"), said);
        Assert.Equal(ReplicaState.Draining, Assert.Single(await registry.ReadAsync(Cancellation)).State);
        time.Advance(RecordSignature.Lifetime + TimeSpan.FromSeconds(1));
        Assert.Empty(await registry.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_replica_obeys_each_command_of_a_gateway_once_and_nobody_elses()
    {
        var replica = await ReplicaAsync();
        using var forged = replica.Collect("sse_forged_total");
        var identity = replica.Get<ReplicaIdentity>();
        var drain = replica.Get<DrainState>();
        var commands = replica.Get<RedisReplicaCommands>();
        await using var connection = await redis.ConnectAsync();
        var key = Key($"command:{identity.Id}");
        await SendAsync(JsonSerializer.Serialize(new { id = "x", replicaId = identity.Id, startedAt = identity.StartedAt, kind = "Restart" }));
        await UntilAsync(() => Forged() > 0, "the unsigned command");

        await commands.SendAsync(Command(ReplicaCommandKind.Drain), Cancellation);
        await UntilAsync(() => drain.IsDraining, "the drain");
        var drained = await connection.GetDatabase().StringGetAsync(key);
        await commands.SendAsync(Command(ReplicaCommandKind.Undrain), Cancellation);
        await UntilAsync(() => !drain.IsDraining, "its end");
        var before = Forged();
        await Eventually.Async(
            async () =>
            {
                await SendAsync(drained);
                Assert.False(drain.IsDraining);
                return Forged() > before;
            },
            TimeSpan.FromSeconds(20),
            "the repeated command to be counted");

        Assert.False(replica.Get<Microsoft.Extensions.Hosting.IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.All(forged.GetMeasurementSnapshot(), measured => Assert.True(measured.Value == 0 || (string?)measured.Tags["kind"] == ForgedKind.Command));

        ReplicaCommand Command(ReplicaCommandKind kind) => new(Guid.NewGuid().ToString("N"), identity.Id, identity.StartedAt, kind);

        long Forged() => forged.GetMeasurementSnapshot().Sum(measured => measured.Value);

        async Task SendAsync(RedisValue value)
        {
            await connection.GetDatabase().StringSetAsync(key, value);
            await connection.GetSubscriber().PublishAsync(RedisChannel.Literal($"{_prefix}:replicas:command:{identity.Id}"), value);
        }
    }

    [Fact]
    public async Task Restarts_alerts_and_reloads_that_nobody_signed_are_ignored_and_what_is_forged_is_an_alert()
    {
        await redis.RequireAsync();
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        var gateway = await StartGatewayAsync(replicas: 0);
        var ledger = gateway.Get<IRestartLedger>();
        await ledger.AddAsync(new RestartRecord { Id = "true", At = TimeProvider.System.GetUtcNow() }, Cancellation);
        var list = $"{{{_prefix}:replicas}}:restarts";
        var genuine = await database.ListGetByIndexAsync(list, 0);
        await database.ListLeftPushAsync(list, [genuine, """{"id":"false","gaveUp":true}"""]);
        await database.StringSetAsync($"{_prefix}:reload", """{"id":"x","trigger":"stranger","state":"running","startedAt":"2026-11-28T10:00:00Z","steps":[]}""");
        await database.StringSetAsync(
            $"{_prefix}:alerts:2",
            """{"active":[{"key":"forged","rule":"stranger","severity":"critical","summary":"s","recovery":"r","labels":{},"since":"2026-11-28T10:00:00Z","confirmedUntil":"2036-11-28T10:00:00Z"}],"recent":[]}""");

        Assert.Equal(["true"], (await ledger.ReadAsync(Cancellation)).Select(restart => restart.Id));
        Assert.Null(await gateway.Get<ReloadStore>().ReadAsync(Cancellation));
        await UntilAsync(() => gateway.Get<AlertEngine>().Book.Active.Any(alert => alert.Rule == "forged-record"), "the alert");
        Assert.DoesNotContain(gateway.Get<AlertEngine>().Book.Active, alert => alert.Rule == "stranger");
    }

    [Fact]
    public async Task Whatever_lies_under_a_key_that_steers_is_counted_and_gives_way()
    {
        var replica = await ReplicaAsync();
        await using var connection = await redis.ConnectAsync();
        var database = connection.GetDatabase();
        var gateway = await StartGatewayAsync();
        var (ledger, reloads, commands) = (gateway.Get<IRestartLedger>(), gateway.Get<ReloadStore>(), replica.Get<RedisReplicaCommands>());
        // Of a cluster without a gateway that writes it, too.
        var store = new RedisAlertStore(
            connection, Options.Create(new ClusterOptions { KeyPrefix = _prefix + "-2" }), gateway.Get<SignedRecords>());
        var forged = gateway.Get<ForgedRecords>();
        var status = new ReloadStatus
        {
            Id = "1",
            State = ReloadState.Succeeded,
            Trigger = "t",
            Gateway = "g",
            StartedAt = default,
            UpdatedAt = default,
            Detail = "d",
            Steps = [],
        };
        foreach (var name in ForeignValues.Names)
        {
            await ForeignValues.PutAsync(database, $"{{{_prefix}:replicas}}:restarts", name);
            Assert.Empty(await ledger.ReadAsync(Cancellation));
            await ledger.AddAsync(new RestartRecord { Id = name, At = TimeProvider.System.GetUtcNow() }, Cancellation);
            Assert.Equal(name, Assert.Single(await ledger.ReadAsync(Cancellation)).Id);

            await ForeignValues.PutAsync(database, $"{_prefix}:reload", name);
            Assert.Null(await reloads.ReadAsync(Cancellation));
            await reloads.WriteAsync(status, Cancellation);
            Assert.NotNull(await reloads.ReadAsync(Cancellation));

            await ForeignValues.PutAsync(database, $"{_prefix}-2:alerts:2", name);
            var (book, version, _) = await store.ReadAsync(Cancellation);
            Assert.Null(book);
            Assert.True(await store.TryWriteAsync(new AlertBook(), version, Cancellation), name);
            Assert.False(await store.TryWriteAsync(new AlertBook(), version, Cancellation), name);
            Assert.NotNull((await store.ReadAsync(Cancellation)).Book);

            var own = replica.Get<ForgedRecords>();
            var before = own.Total;
            await ForeignValues.PutAsync(database, Key($"command:{replica.Get<ReplicaIdentity>().Id}"), name);
            Assert.Null(await commands.ReadAsync(replica.Get<ReplicaIdentity>().Id, Cancellation));
            Assert.True(own.Total > before, name);
        }

        Assert.True(forged.Total >= 2 * ForeignValues.Names.Length);
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica");
    }

    [Fact]
    public async Task Replicas_outside_of_the_allowed_addresses_are_ignored()
    {
        await redis.RequireAsync();
        await using var connection = await redis.ConnectAsync();
        var registry = ClusterKey.Registry(connection, _prefix, expiry: TimeSpan.FromMinutes(1));
        var inside = Own(await OriginHost.StartAsync("inside"));
        var outside = Own(await OriginHost.StartAsync("outside"));
        await registry.WriteAsync(inside.Record, announce: false, Cancellation);
        await registry.WriteAsync(outside.Record with { Address = new Uri($"http://127.0.0.2:{outside.Address.Port}") }, announce: false, Cancellation);
        await registry.WriteAsync(outside.Record with { Id = "named", Address = new Uri($"http://localhost:{outside.Address.Port}") }, announce: false, Cancellation);

        var gateway = await StartGatewayAsync(replicas: 1, ("Replica:AllowedAddresses:0", "127.0.0.1/32"), ("Replica:AllowedAddresses:1", "10.0.0.0/8"));
        using var forged = new MetricProbe(gateway, "sse_forged_total");
        await registry.WriteAsync(outside.Record with { Address = new Uri($"http://127.0.0.2:{outside.Address.Port}") }, announce: true, Cancellation);

        await UntilAsync(() => forged.Sum >= 3, "the addresses to be counted");
        Assert.Equal(["inside"], gateway.Get<ReplicaDirectory>().Replicas.Select(replica => replica.Id));
        Assert.Equal(0, outside.HealthChecks);
    }

    [Fact]
    public async Task A_clients_own_headers_of_the_cluster_reach_nobody()
    {
        var origin = await OriginAsync("r1");
        var service = Own(await OriginHost.StartAsync("s1"));
        var gateway = await GatewayAsync(OtherService(service));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica");
        foreach (var path in (string[])["/topics/a?b=c", "/other/a"])
        {
            using var answer = await gateway.Client.SendAsync(HttpMethod.Get, path, ("x-sse-signature", "o.1.0000000000000000.1.x"), ("X-Sse-Anything", "a"), ("X-Other", "b"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var headers = Assert.Single(origin.Requests).Headers;
        Assert.StartsWith("c.", headers["X-Sse-Signature"], StringComparison.Ordinal);
        Assert.False(headers.ContainsKey("X-Sse-Anything"));
        Assert.Equal("b", headers["X-Other"]);
        Assert.DoesNotContain(Assert.Single(service.Requests).Headers.Keys, name => name.StartsWith("X-Sse-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task What_is_kept_for_days_outlives_the_key_that_signed_it()
    {
        await using var connection = await redis.ConnectAsync();
        byte[] old = new byte[KeyText.Length], next = [.. Enumerable.Repeat((byte)7, KeyText.Length)];
        var cluster = Options.Create(new ClusterOptions { KeyPrefix = _prefix });
        var restart = new RestartRecord { Id = "r1" };
        var before = Records(new GatewayKeys(old));
        var ledger = new RedisRestartLedger(connection, cluster, before, TimeProvider.System);
        await ledger.AddAsync(restart, Cancellation);
        await ledger.AddAsync(restart with { Id = "r2" }, Cancellation);
        Assert.True(await new RedisAlertStore(connection, cluster, before).TryWriteAsync(new AlertBook(), "", Cancellation));
        await new ReloadStore(connection, cluster, before).WriteAsync(
            new ReloadStatus { Id = "1", State = ReloadState.Succeeded, Trigger = "t", Gateway = "g", StartedAt = default, UpdatedAt = default, Detail = "d", Steps = [] }, Cancellation);

        foreach (var keys in new GatewayKeys[] { new(next, old), new(next) })
        {
            var records = Records(keys);
            Assert.Equal(["r2", "r1"], (await new RedisRestartLedger(connection, cluster, records, TimeProvider.System).ReadAsync(Cancellation)).Select(record => record.Id));
            Assert.NotNull((await new RedisAlertStore(connection, cluster, records).ReadAsync(Cancellation)).Book);
            Assert.Equal("1", (await new ReloadStore(connection, cluster, records).ReadAsync(Cancellation))?.Id);
        }

        static SignedRecords Records(GatewayKeys keys) => new(new RecordSignature(keys, TimeProvider.System), ClusterKey.Forged(), NullLogger<SignedRecords>.Instance);
    }

    private string Key(string id) => $"{{{_prefix}:replicas}}:{id}";

    private async Task<EventsHost> ReplicaAsync() => Own(await EventsHost.StartAsync(redis, _prefix, ("ReplicaRegistry:HeartbeatInterval", "00:00:00.200")));

    private Task<GatewayHost> StartGatewayAsync(int replicas = 1, params (string Key, string Value)[] settings) =>
        GatewayOnRedisAsync(redis, _prefix, replicas, [.. settings, ("Alerts:EvaluateEvery", "00:00:00.100"), ("Alerts:StartupGrace", "00:00:00")]);
}
