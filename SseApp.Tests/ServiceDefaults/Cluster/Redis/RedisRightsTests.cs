namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

/// <summary>A user of Redis that has not all rights; has a server of its own, whose users it changes.</summary>
public sealed class RedisRightsTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("resetchannels")]
    [InlineData("allchannels -publish")]
    [InlineData("allchannels -set")]
    [InlineData("allchannels -pexpire")]
    public async Task An_event_that_is_stored_is_confirmed_although_a_later_command_is_refused(string rights)
    {
        await GrantAsync("partly", $"~* +@all {rights}");
        await using var host = await StartAsync("partly");
        var topic = Guid.NewGuid().ToString("N");

        using var answer = await host.PublishAsync(topic, "1", idempotencyKey: "a");

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        using var history = await host.Client.GetAsync($"/topics/{topic}/events", Cancellation);
        Assert.Equal(1, (await history.Content.ReadAsStringAsync(Cancellation)).Split("\"data\"").Length - 1);
    }

    [Theory]
    [InlineData("~* +@all resetchannels", "PUBLISH")]
    [InlineData("~other:* allchannels +@all", "NOPERM")]
    [InlineData("~sse:* allchannels +@all", "NOPERM")]
    [InlineData("~* allchannels +@all -eval -evalsha", "eval")]
    public async Task A_user_without_the_rights_is_named_with_the_command_that_gives_them(string rights, string refused)
    {
        await GrantAsync("less", rights);
        await using var host = await StartAsync("less");

        var health = await UntilAsync(host, HttpStatusCode.ServiceUnavailable, "redis-cli ACL SETUSER less");

        Assert.Contains(refused, health, StringComparison.OrdinalIgnoreCase);
        // What is proposed is enough, and /health says so without a restart.
        var proposed = Proposed(host);
        await GrantAsync("less", proposed);
        await UntilAsync(host, HttpStatusCode.OK, "\"redis-rights\":{\"status\":\"healthy\"");
        await using var reader = await host.SubscribeAsync("allowed");
        using var answer = await host.PublishAsync("allowed", "1");
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("1", (await reader.NextAsync())?.Data);
    }

    /// <summary>What the archive alone needs is no reason to refuse streams and publishes, and none to be reported without one.</summary>
    [Theory]
    [InlineData("sadd")]
    [InlineData("spop")]
    [InlineData("scan")]
    public async Task A_right_that_the_archive_alone_needs_is_named_where_there_is_one(string refused)
    {
        await GrantAsync("less", $"~* allchannels +@all -{refused}");
        await using var host = await StartAsync("less", ("Archive:Mode", "PostgreSQL"), ("ConnectionStrings:archive", "Host=127.0.0.1;Port=1;Database=none;Username=none"));
        await using var without = await StartAsync("less");

        var health = await UntilAsync(host, HttpStatusCode.OK, "redis-cli ACL SETUSER less");

        Assert.Contains($"archive has to ({refused}", health, StringComparison.OrdinalIgnoreCase);
        await UntilAsync(without, HttpStatusCode.OK, "\"redis-rights\":{\"status\":\"healthy\"");
        await GrantAsync("less", Proposed(host));
        await UntilAsync(host, HttpStatusCode.OK, "\"redis-rights\":{\"status\":\"healthy\"");
    }

    [Fact]
    public async Task A_database_that_the_server_has_not_is_named()
    {
        await redis.RequireAsync();
        await using var host = await EventsHost.StartAsync($"{redis.ConnectionString},defaultDatabase=99");

        await UntilAsync(host, HttpStatusCode.ServiceUnavailable, "Redis has no database 99");
    }

    [Theory]
    [InlineData("EVAL", "EVALSHA")]
    [InlineData("LPOP", "HMGET")]
    public async Task A_server_whose_commands_were_renamed_is_named(string first, string second)
    {
        await using var own = new RedisServer("--rename-command", first, "", "--rename-command", second, "");
        await using var host = await EventsHost.StartAsync(own);

        await UntilAsync(host, HttpStatusCode.ServiceUnavailable, "rename-command");
    }

    [Fact]
    public async Task How_long_an_outage_has_lasted_does_not_depend_on_who_asks()
    {
        await redis.RequireAsync();
        await using var host = await EventsHost.StartAsync(redis);
        var status = host.Services.GetRequiredService<RedisStatus>();
        await UntilAsync(host, HttpStatusCode.OK, "healthy");

        // It is asked by itself, so that an outage after a quiet hour begins when it begins.
        var longest = TimeSpan.Zero;
        await Eventually.Async(
            () =>
            {
                var since = status.TimeSinceLastAnswer!.Value;
                longest = since > longest ? since : longest;
                return since < longest / 2;
            },
            s_limit,
            "Redis to be asked although nobody asks for /health");
    }

    [Fact]
    public async Task A_server_that_only_reads_is_named()
    {
        await using var own = new RedisServer();
        await using var host = await EventsHost.StartAsync(own);
        await using (var operators = await own.ConnectAsync())
        {
            await operators.GetServers()[0].ExecuteAsync("REPLICAOF", "127.0.0.1", "1");
        }

        await UntilAsync(host, HttpStatusCode.ServiceUnavailable, "REPLICAOF NO ONE");
    }

    /// <summary>Publishes fail and streams go on: the replica stays in use, and says what to do.</summary>
    [Fact]
    public async Task A_server_that_stores_nothing_for_want_of_replicas_is_named()
    {
        await using var own = new RedisServer();
        await using var host = await EventsHost.StartAsync(own);
        await using var operators = await own.ConnectAsync();
        await operators.GetServers()[0].ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        var health = await UntilAsync(host, HttpStatusCode.OK, "redis-cli CONFIG SET min-replicas-to-write 0");

        Assert.Contains("degraded", health, StringComparison.Ordinal);
        await operators.GetServers()[0].ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "0");
        await UntilAsync(host, HttpStatusCode.OK, "\"redis-rights\":{\"status\":\"healthy\"");
    }

    /// <summary>Commands and subscriptions have a connection each; without the second, what other replicas publish is found only by the next look into the log.</summary>
    [Fact]
    public async Task A_server_that_takes_no_further_connection_is_named()
    {
        await using var own = new RedisServer();
        await using var host = await EventsHost.StartAsync(own);
        await using var operators = await own.ConnectAsync();
        var server = operators.GetServers()[0];
        await server.ExecuteAsync("CONFIG", "SET", "maxclients", "1");
        await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");

        var health = await UntilAsync(host, HttpStatusCode.OK, "maxclients");

        Assert.Contains("\"redis\":{\"status\":\"degraded\"", health, StringComparison.Ordinal);
        await server.ExecuteAsync("CONFIG", "SET", "maxclients", "10000");
        await UntilAsync(host, HttpStatusCode.OK, "\"redis\":{\"status\":\"healthy\"");
    }

    /// <summary>The client tries several times a second; what is wrong stands once in the log.</summary>
    [Fact]
    public async Task A_password_that_was_changed_is_named()
    {
        await using var own = new RedisServer();
        await using var host = await EventsHost.StartAsync(own, settings: [("Logging:LogLevel:StackExchange.Redis", "Warning")]);
        await using var operators = await own.ConnectAsync();
        var server = operators.GetServers()[0];
        await server.ExecuteAsync("CONFIG", "SET", "requirepass", "new");
        await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");

        var health = await UntilAsync(host, HttpStatusCode.ServiceUnavailable, "user or password of ConnectionStrings:redis");

        Assert.Contains("\"redis\":{\"status\":\"unhealthy\"", health, StringComparison.Ordinal);
        var logs = host.Services.GetFakeLogCollector().GetSnapshot();
        Assert.Single(logs, record => record.Message.Contains("does not take the user or password", StringComparison.Ordinal));
        Assert.DoesNotContain(logs, record => record.Category?.StartsWith("StackExchange.Redis", StringComparison.Ordinal) == true && record.Level >= LogLevel.Error);
        await server.ExecuteAsync("CONFIG", "SET", "requirepass", "");
        await UntilAsync(host, HttpStatusCode.OK, "\"redis\":{\"status\":\"healthy\"");
    }

    private static string Proposed(EventsHost host)
    {
        var problem = host.Get<RedisRights>().Problem!;
        return problem[(problem.IndexOf("SETUSER less ", StringComparison.Ordinal) + "SETUSER less ".Length)..].Replace("'", "", StringComparison.Ordinal);
    }

    private Task<EventsHost> StartAsync(string user, params (string Key, string Value)[] settings) =>
        EventsHost.StartAsync($"{redis.ConnectionString},user={user},password=p", "sse", settings);

    private async Task GrantAsync(string user, string rights)
    {
        await redis.RequireAsync();
        await using var operators = await redis.ConnectAsync();
        await operators.GetServers()[0].ExecuteAsync("ACL", ["SETUSER", user, "reset", "on", ">p", .. rights.Split(' ')]);
    }

    private static async Task<string> UntilAsync(EventsHost host, HttpStatusCode status, string text)
    {
        var last = "";
        await Eventually.Async(
            async () =>
            {
                using var health = await host.Admin.GetAsync("/health", Cancellation);
                last = System.Text.RegularExpressions.Regex.Unescape(await health.Content.ReadAsStringAsync(Cancellation));
                return health.StatusCode == status && last.Contains(text, StringComparison.Ordinal);
            },
            s_limit,
            $"{status} with {text}");
        return last;
    }
}
