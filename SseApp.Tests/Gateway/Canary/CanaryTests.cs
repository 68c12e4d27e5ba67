using System.Text.RegularExpressions;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Replicas;
using SseApp.Gateway.Canary;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.Tests.Docs;
using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Gateway.Canary;

/// <summary>The canary of a real gateway before real replicas and a real Redis.</summary>
public sealed partial class CanaryTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly (string, string)[] s_on = [("Canary:Enabled", "true")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_does_its_round_and_counts_as_nobody(bool relay)
    {
        var (gateway, replica) = await StartAsync(relay, s_on);
        string[] names = ["sse_connections_opened_total", "sse_events_published_total", "sse_events_delivered_total", "sse_replayed_events_total"];
        var counts = Array.ConvertAll(names, replica.Collect);
        await ReceivedAsync(gateway, 3);

        var found = await ReadAsync(gateway);
        Assert.Equal(1, found["sse_probe_up"]);
        Assert.True(found["sse_probe_latency_seconds_count"] >= 3);
        AssertNothingWrong(found);
        Assert.Equal(0, found["sse_probe_failed_total"]);

        Assert.Equal(0, replica.Get<EventsMetrics>().ActiveConnections);
        Assert.All(counts, count => Assert.Equal(0, count.GetMeasurementSnapshot().EvaluateAsCounter()));
        Assert.All(gateway.Get<LoadLedger>().Streams(), streams => Assert.Equal(0, streams.Value));
        Assert.Equal(0, replica.Get<EventsMetrics>().TotalRefused);
        foreach (var list in (string[])["topics", "topics?sort=busiest", "connections"])
        {
            Assert.DoesNotContain("canary", await replica.Operator.GetStringAsync($"/admin/{list}", Cancellation), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_reconnects_with_its_position_and_that_loses_and_repeats_nothing()
    {
        var (gateway, replica) = await StartAsync(settings: [.. s_on, ("Canary:StreamFor", "00:00:01.500")]);
        var streams = new HashSet<ulong>();
        await UntilAsync(
            () =>
            {
                foreach (var shard in replica.Get<ShardSet>().All)
                {
                    streams.UnionWith(shard.InspectAsync(connections => connections.Select(connection => connection.Id).ToArray()).GetAwaiter().GetResult());
                }

                return streams.Count >= 3;
            },
            "its third stream");
        await ReceivedAsync(gateway, 5);
        AssertNothingWrong(await ReadAsync(gateway));
    }

    [Fact]
    public async Task A_replica_that_ends_costs_it_nothing()
    {
        var (gateway, replica) = await StartAsync(settings: s_on);
        await ReceivedAsync(gateway, 1);
        var other = Own(await EventsHost.StartAsync(Server, replica.Prefix));
        var before = (await Registry.ReadAsync(Cancellation)).Single();
        await Registry.WriteAsync(before with { Id = other.Get<ReplicaIdentity>().Id, Address = other.Address }, announce: true, Cancellation);
        await UntilAsync(() => gateway.AvailableReplicas() == 2, "the other replica");
        await Registry.WriteAsync(before with { State = ReplicaState.Draining }, announce: true, Cancellation);
        await replica.StopAsync();

        await ReceivedAsync(gateway, 4);
        AssertNothingWrong(await ReadAsync(gateway));
    }

    /// <summary>All that could keep it from its own listener.</summary>
    [Fact]
    public async Task Neither_address_lists_nor_host_names_nor_redirects_nor_limits_keep_it_out()
    {
        using var certificate = new TestCertificate();
        var (gateway, _) = await StartAsync(settings:
        [
            .. s_on,
            ("Access:Deny:0", "127.0.0.1"),
            ("Access:Deny:1", "::1"),
            ("Match:Hosts:0", "*.bücher.example"),
            ("Tls:CertificateFile", certificate.CertificateFile),
            ("Tls:KeyFile", certificate.KeyFile),
            ("Tls:Urls", "https://127.0.0.1:0"),
            ("Limits:ConnectsPerSecond", "1"),
            ("Limits:ConnectBurst", "1"),
            ("Limits:EventsPerSecond", "1"),
            ("Limits:EventBurst", "1"),
            ("Limits:StreamsPerGateway", "1"),
            ("Canary:StreamFor", "00:00:01"),
        ]);
        await ReceivedAsync(gateway, 3);
        AssertNothingWrong(await ReadAsync(gateway));
        using var refused = await gateway.Client.GetAsync("/topics/a", Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("gateway without relay")]
    [InlineData("replica")]
    public async Task Nobody_else_can_use_a_canarys_topic_whatever_the_request_says_of_itself(string service)
    {
        var (gateway, replica) = await StartAsync(relay: service != "gateway without relay", s_on);
        await ReceivedAsync(gateway, 1);
        var topic = Uri.EscapeDataString(gateway.Get<CanaryIdentity>().Topic);
        var client = service == "replica" ? replica.Client : gateway.Client;
        string[] signatures =
        [
            "",
            ClusterKey.Requests.Sign("GET", $"/events?topic={topic}", "0123456789abcdef", RequestPurpose.Canary),
            "p.1.0123456789abcdef.1.x.y",
        ];
        foreach (var signature in service == "replica" ? signatures[..1] : signatures)
        {
            foreach (var (method, path) in ((HttpMethod, string)[])
                [(HttpMethod.Get, $"/events?topic={topic}"), (HttpMethod.Post, $"/topics/{topic}/events"), (HttpMethod.Get, $"/topics/{topic}/events"), (HttpMethod.Get, $"/topics/{topic}")])
            {
                using var request = new HttpRequestMessage(method, path);
                request.Headers.Add("X-Sse-Canary", "1");
                if (signature.Length > 0)
                {
                    request.Headers.TryAddWithoutValidation(RequestSignature.Header, signature);
                }

                request.Content = method == HttpMethod.Post ? new StringContent("1") : null;
                using var response = await client.SendAsync(request, Cancellation);
                Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            }
        }

        AssertNothingWrong(await ReadAsync(gateway));
    }

    [Fact]
    public async Task Its_own_requests_may_use_no_other_topic()
    {
        await using var replica = await EventsHost.StartAsync(Server);
        using var client = new HttpClient(new ClusterKey.Handler(replica.Get<ReplicaIdentity>().Id, RequestPurpose.Client)) { BaseAddress = replica.Address };
        client.DefaultRequestHeaders.Add("X-Sse-Canary", "1");
        using var stream = await client.GetAsync("/events?topic=news", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, stream.StatusCode);
        using var publish = await client.PostAsync("/topics/news/events", new StringContent("x"), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, publish.StatusCode);
    }

    [Fact]
    public async Task One_setting_switches_it_off()
    {
        var (gateway, _) = await StartAsync(settings: ("Canary:Enabled", "false"));
        Assert.DoesNotContain("sse_probe_", await gateway.Admin.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_Redis_does_not_answer_it_is_down_and_what_it_could_not_publish_is_not_lost()
    {
        await using var own = new RedisServer();
        var gateway = await BeforeAsync(await EventsHost.StartAsync(own));
        await ReceivedAsync(gateway, 1);
        own.Freeze();
        await Eventually.Async(async () => (await ReadAsync(gateway))["sse_probe_up"] == 0, TimeSpan.FromSeconds(30), "the canary to be down");
        own.Thaw();
        var before = (await ReadAsync(gateway))["sse_probe_received_total"];
        await ReceivedAsync(gateway, before + 3);
        var found = await ReadAsync(gateway);
        AssertNothingWrong(found);
        Assert.True(found["sse_probe_failed_total"] > 0);
    }

    /// <summary>Each answer has a time to wait, and the id of a trace, of its own.</summary>
    [Fact]
    public async Task An_outage_is_told_once_for_what_it_reads_and_once_for_what_it_publishes()
    {
        var (gateway, replica) = await StartAsync(settings: s_on);
        await ReceivedAsync(gateway, 1);
        var record = (await Registry.ReadAsync(Cancellation)).Single();
        await Registry.WriteAsync(record with { State = ReplicaState.Draining }, announce: true, Cancellation);
        await replica.StopAsync();
        var failed = (await ReadAsync(gateway))["sse_probe_failed_total"];
        await Eventually.Async(async () => (await ReadAsync(gateway))["sse_probe_failed_total"] >= failed + 4, TimeSpan.FromSeconds(30), "four publishes that failed");

        string[] told = [.. gateway.Logs.Where(line => line.Contains("The canary cannot do its round", StringComparison.Ordinal))];
        Assert.Equal(told.Distinct(StringComparer.Ordinal), told);
        Assert.Contains(told, line => line.EndsWith("status 503 no-replica", StringComparison.Ordinal));
        Assert.Contains(told, line => line.EndsWith("stream.unavailable no-replica", StringComparison.Ordinal));
    }

    /// <summary>Nothing can be published all the while; the stream opens in between.</summary>
    [Fact]
    public async Task A_stream_that_opened_again_is_told_of_when_it_ends_for_the_same_reason()
    {
        var origin = Own(await OriginHost.StartAsync("r1", context =>
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        }));
        await Registry.WriteAsync(origin.Record, announce: true, Cancellation);
        var gateway = await GatewayAsync(s_on);
        for (var times = 1; times <= 2; times++)
        {
            var expected = times;
            await UntilAsync(() => origin.OpenStreams == 1, "the canary's stream");
            origin.Send("event: stream.unavailable\ndata: {\"reason\":\"redis\"}\n\n");
            origin.EndStreams();
            await UntilAsync(
                () => gateway.Logs.Count(line => line.EndsWith("stream.unavailable redis", StringComparison.Ordinal)) == expected, $"report {times} of the stream's end");
        }
    }

    /// <summary>The repair that finds lost messages is off, else there is no loss to be seen.</summary>
    [Fact]
    public async Task A_backplane_that_drops_messages_is_seen()
    {
        await Server.RequireAsync();
        await using var lossy = new LossyRedis(Server.Port);
        var gateway = await BeforeAsync(await EventsHost.StartAsync(lossy.ConnectionString, null, ("Topics:CheckInterval", "01:00:00")));
        await ReceivedAsync(gateway, 1);
        Assert.Equal(0, (await ReadAsync(gateway))["sse_probe_lost_total"]);

        var before = await ReadAsync(gateway);
        lossy.Drops = true;
        await Eventually.Async(async () => (await ReadAsync(gateway))["sse_probe_lost_total"] >= 2, TimeSpan.FromSeconds(30), "the loss to be counted");
        Assert.True(lossy.Dropped >= 2);
        await AssertAlertsAsync(before, await ReadAsync(gateway));

        lossy.Drops = false;
        await ReceivedAsync(gateway, (await ReadAsync(gateway))["sse_probe_received_total"] + 2);
        var found = await ReadAsync(gateway);
        // What came too late after all is no duplicate.
        Assert.Equal(0, found["sse_probe_duplicated_total"]);
        Assert.Single(gateway.Logs, line => line.Contains("The canary has lost", StringComparison.Ordinal));
    }

    /// <summary>The same with a real Prometheus, which scrapes the gateway and evaluates the rules each second.</summary>
    [LongFact]
    public async Task A_real_Prometheus_raises_the_alert_for_it()
    {
        Assert.SkipWhen(BackplaneServer.FindOnPath("prometheus") is null, "prometheus is not installed (apt-get install prometheus).");
        await Server.RequireAsync();
        await using var lossy = new LossyRedis(Server.Port);
        var gateway = await BeforeAsync(await EventsHost.StartAsync(lossy.ConnectionString, null, ("Topics:CheckInterval", "01:00:00")));
        await ReceivedAsync(gateway, 1);
        var folder = Directory.CreateTempSubdirectory("sse-prometheus-");
        Own(new Removal(folder));
        var rules = Path.Combine(Repository.Root!, "deploy/monitoring/rules");
        await File.WriteAllTextAsync(
            Path.Combine(folder.FullName, "prometheus.yml"),
            $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: [{{rules}}/recording.yml, {{rules}}/alerts.yml]
            scrape_configs:
              - job_name: sse-gateway
                authorization: { credentials: {{OperatorAccess.Key.Text}} }
                static_configs: [{ targets: ["{{gateway.Admin.BaseAddress!.Authority}}"] }]

            """,
            Cancellation);
        var port = Ports.Next();
        await using var prometheus = ChildProcess.Start(new ProcessStartInfo(
            "prometheus",
            [$"--config.file={folder.FullName}/prometheus.yml", $"--storage.tsdb.path={folder.FullName}/data", $"--web.listen-address=127.0.0.1:{port}"]));
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.Async(async () => (await QueryAsync("sse_probe_received_total")).Contains("\"value\"", StringComparison.Ordinal), TimeSpan.FromSeconds(60), "Prometheus to have scraped the gateway");
        Assert.DoesNotContain("SseLossFast", await QueryAsync("ALERTS"), StringComparison.Ordinal);

        lossy.Drops = true;
        await Eventually.Async(
            async () => (await QueryAsync("ALERTS{alertname=\"SseLossFast\",alertstate=\"firing\"}")).Contains("SseLossFast", StringComparison.Ordinal),
            TimeSpan.FromSeconds(60),
            "the alert");

        async Task<string> QueryAsync(string query)
        {
            try
            {
                return await client.GetStringAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}", Cancellation);
            }
            catch (HttpRequestException)
            {
                // It is still starting.
                return "";
            }
        }
    }

    /// <summary>What was measured, a minute apart, as Prometheus would see it: the alerts of the rules fire.</summary>
    private static async Task AssertAlertsAsync(Dictionary<string, double> before, Dictionary<string, double> after)
    {
        var rules = Path.Combine(Repository.Root!, "deploy/monitoring/rules");
        var series = after.Keys.Where(name => name.EndsWith("_total", StringComparison.Ordinal)).Select(name => string.Create(
            CultureInfo.InvariantCulture, $"      - {{ series: '{name}{{job=\"sse-gateway\",instance=\"g1\"}}', values: '{before[name]} {after[name]} {after[name]}' }}"));
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(
            file,
            $$"""
            rule_files: [{{rules}}/recording.yml, {{rules}}/alerts.yml]
            evaluation_interval: 15s
            tests:
              - interval: 1m
                input_series:
            {{string.Join('\n', series)}}
                promql_expr_test:
                  - expr: count(ALERTS{alertname=~"SseLossFast|SseCanaryLoss",alertstate="firing"})
                    eval_time: 2m
                    exp_samples: [{ labels: '{}', value: 2 }]

            """,
            Cancellation);
        try
        {
            await MonitoringFilesTests.RunAsync("promtool", "prometheus", ["test", "rules", file]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task<GatewayHost> BeforeAsync(EventsHost replica)
    {
        Own(replica);
        await Registry.WriteAsync(
            new ReplicaRecord { Id = replica.Get<ReplicaIdentity>().Id, Address = replica.Address, State = ReplicaState.Ready, Relay = RelayProtocol.Version }, announce: true, Cancellation);
        return await GatewayAsync([.. s_on, ("Canary:LostAfter", "00:00:01")]);
    }

    private static async Task ReceivedAsync(GatewayHost gateway, double count)
    {
        try
        {
            await Eventually.Async(async () => (await ReadAsync(gateway)).GetValueOrDefault("sse_probe_received_total") >= count, TimeSpan.FromSeconds(30), $"{count} events of the canary");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Logged: {string.Join('\n', gateway.Logs)}", exception);
        }
    }

    private static void AssertNothingWrong(Dictionary<string, double> found) => Assert.All(
        ["sse_probe_lost_total", "sse_probe_duplicated_total", "sse_probe_reordered_total", "sse_probe_gaps_total"],
        name => Assert.Equal(0, found[name]));

    /// <summary>What Prometheus would read of the canary.</summary>
    private static async Task<Dictionary<string, double>> ReadAsync(GatewayHost gateway)
    {
        var text = await gateway.Admin.GetStringAsync("/metrics", Cancellation);
        return Sample().Matches(text).ToDictionary(
            match => match.Groups["name"].Value, match => double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }

    /// <summary>Removes a folder when all that uses it has ended.</summary>
    private sealed class Removal(DirectoryInfo folder) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            folder.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }
    }

    // Without a histogram's buckets.
    [GeneratedRegex(@"^(?<name>sse_probe_\w+)(?<!_bucket)(\{[^}]*\})? (?<value>\S+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Sample();
}
