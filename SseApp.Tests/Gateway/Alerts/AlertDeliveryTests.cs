using SseApp.Gateway.Alerts;

namespace SseApp.Tests.Gateway.Alerts;

/// <summary>From something that goes wrong in the cluster to what a chat gets.</summary>
public sealed class AlertDeliveryTests : GatewayTest
{
    [Fact]
    public async Task A_lost_replica_and_its_return_are_reported_once_each_and_shown()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        var lost = await OriginAsync("r1");
        await OriginAsync("r2");
        var gateway = await AlertingGatewayAsync(webhook);

        Registry.Forget("r1");

        await webhook.UntilAsync("firing replica-lost:r1");
        var active = (await AlertsAsync(gateway)).GetProperty("active");
        Assert.Equal("replica-lost:r1", Assert.Single(active.EnumerateArray()).GetProperty("key").GetString());
        var health = await gateway.Client.GetFromJsonAsync<JsonElement>("/health", Cancellation);
        Assert.Equal("degraded", health.GetProperty("status").GetString());

        await Registry.WriteAsync(lost.Record, announce: true, Cancellation);

        await webhook.UntilAsync("resolved replica-lost:r1");
        await Eventually.Async(
            async () => (await AlertsAsync(gateway)).GetProperty("recent").GetArrayLength() == 1, TimeSpan.FromSeconds(10), "the alert among the recent ones");
        Assert.Equal(["firing replica-lost:r1", "resolved replica-lost:r1"], webhook.Notices());
    }

    [Fact]
    public async Task A_replica_that_takes_itself_out_is_not_reported()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        await OriginAsync("r1");
        await OriginAsync("r2");
        var gateway = await AlertingGatewayAsync(webhook);

        await Registry.RemoveAsync("r1", Cancellation);
        await UntilAsync(() => gateway.RoutedReplicas().Count == 1, "the replica to leave");

        // What comes after it proves that its turn is over.
        Registry.Forget("r2");
        await webhook.UntilAsync("firing no-ready-replica");
        Assert.DoesNotContain("firing replica-lost:r1", webhook.Notices());
    }

    [Fact]
    public async Task A_webhook_that_fails_twice_gets_the_notice_at_the_third_try_and_only_then()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        webhook.Refuse = (attempt, context) =>
        {
            context.Response.Headers.RetryAfter = attempt == 2 ? "0" : default(Microsoft.Extensions.Primitives.StringValues);
            return attempt <= 2 ? (attempt == 1 ? 500 : 429) : null;
        };
        await AlertingGatewayAsync(webhook);

        await webhook.UntilAsync("firing no-ready-replica");

        Assert.Equal(3, webhook.Attempts);
        Assert.Single(webhook.Taken);
    }

    [Fact]
    public async Task A_receivers_Retry_After_is_honoured_up_to_the_longest_wait()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        webhook.Refuse = (attempt, context) =>
        {
            context.Response.Headers.RetryAfter = "3600";
            return attempt == 1 ? 503 : null;
        };
        var gateway = await AlertingGatewayAsync(webhook, ("Alerts:RetryDelay", "00:00:00.010"), ("Alerts:MaxRetryDelay", "01:00:00"));

        await UntilAsync(() => webhook.Attempts == 1, "the first try");
        await BarrierAsync(gateway, webhook, "one");
        await BarrierAsync(gateway, webhook, "two");

        // A backoff of 10 ms would have brought the first notice again long before those two.
        Assert.DoesNotContain("firing no-ready-replica", webhook.Notices());
        Assert.Equal(3, webhook.Attempts);

        // Nor does the wait for the receiver hold the gateway's end.
        await gateway.StopAsync();
    }

    [Fact]
    public async Task The_secret_address_is_in_no_log_line_however_the_webhook_fails()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        webhook.Refuse = (_, _) => 404;
        var gateway = await AlertingGatewayAsync(webhook, ("Logging:LogLevel:Default", "Trace"));
        var logs = gateway.Services.GetFakeLogCollector();

        using var test = await gateway.Admin.PostAsync("/admin/alerts/test", null, Cancellation);
        Assert.Equal(HttpStatusCode.BadGateway, test.StatusCode);
        var problem = await test.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("it answered 404", problem, StringComparison.Ordinal);
        await UntilAsync(
            () => logs.GetSnapshot().Any(line => line.Message.Contains("was not delivered", StringComparison.Ordinal)), "the line that it was given up");

        Assert.DoesNotContain(WebhookReceiver.Secret, problem, StringComparison.Ordinal);
        Assert.DoesNotContain(logs.GetSnapshot(), line =>
            line.Message.Contains(WebhookReceiver.Secret, StringComparison.Ordinal) || line.Exception?.ToString().Contains(WebhookReceiver.Secret, StringComparison.Ordinal) == true);
        Assert.Contains(logs.GetSnapshot(), line => line.Level == LogLevel.Error && line.Message.StartsWith("Alert no-ready-replica:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_channel_can_be_tried_and_says_when_there_is_none()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        await OriginAsync("r1");
        var gateway = await AlertingGatewayAsync(webhook);
        using (var answer = await gateway.Admin.PostAsync("/admin/alerts/test", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        Assert.Equal(["test test"], webhook.Notices());
        var without = await GatewayAsync();
        using var none = await without.Admin.PostAsync("/admin/alerts/test", null, Cancellation);
        Assert.Equal(HttpStatusCode.Conflict, none.StatusCode);
        Assert.Contains("Alerts:WebhookUrl", await none.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_of_the_start_is_reported_until_the_grace_is_over()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        var started = TimeProvider.System.GetUtcNow();
        await AlertingGatewayAsync(webhook, ("Alerts:StartupGrace", "00:00:01"));

        await webhook.UntilAsync("firing no-ready-replica");

        var since = Assert.Single(webhook.Taken).GetProperty("since").GetDateTimeOffset();
        Assert.True(since - started >= TimeSpan.FromSeconds(1), $"It began {since - started} after the start.");
    }

    [Fact]
    public async Task A_supervisor_tells_a_crash_loop_by_a_post()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        await OriginAsync("r1");
        var gateway = await AlertingGatewayAsync(webhook);

        using var answer = await gateway.Admin.PostAsJsonAsync(
            "/admin/restarts", new { id = "events-0", exitCode = 134, gaveUp = true, reason = "out of luck" }, Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await webhook.UntilAsync("firing crash-loop:events-0");
        Assert.Contains("out of luck", Assert.Single(webhook.Taken).GetProperty("summary").GetString(), StringComparison.Ordinal);
        using var bad = await gateway.Admin.PostAsJsonAsync("/admin/restarts", new { id = "" }, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
    }

    [Fact]
    public async Task Refusals_of_the_gateway_itself_are_counted()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        var gateway = await AlertingGatewayAsync(webhook, ("Alerts:RefusalMinimum", "5"), ("Alerts:NoReplicaFor", "01:00:00"));
        for (var i = 0; i < 6; i++)
        {
            using var refused = await gateway.Client.GetAsync("/topics/a", Cancellation);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        await webhook.UntilAsync("firing refusals");
    }

    [Fact]
    public async Task Addresses_that_are_denied_and_bodies_that_are_too_large_are_no_refusals_of_the_cluster()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        var gateway = await AlertingGatewayAsync(
            webhook, ("Alerts:RefusalMinimum", "5"), ("Alerts:NoReplicaFor", "01:00:00"), ("Access:Deny:0", "127.0.0.9"), ("Limits:MaxRequestBodyBytes", "1024"));
        using var denied = new HttpClient(new SocketsHttpHandler { ConnectCallback = FromDeniedAddressAsync }) { BaseAddress = gateway.Address };
        for (var i = 0; i < 6; i++)
        {
            using var forbidden = await denied.GetAsync("/topics/a", Cancellation);
            Assert.Equal(HttpStatusCode.Forbidden, forbidden.StatusCode);
            using var large = await gateway.Client.PostAsync("/topics/a/events", new StringContent(new string('x', 2000)), Cancellation);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        }

        // What comes after it proves that its turn is over.
        await BarrierAsync(gateway, webhook, "later");
        Assert.DoesNotContain("firing refusals", webhook.Notices());
    }

    [Fact]
    public async Task A_surge_of_streams_is_reported()
    {
        var webhook = Own(await WebhookReceiver.StartAsync());
        var origin = await OriginAsync("r1", record => record with { Connections = 200 });
        var gateway = await AlertingGatewayAsync(webhook, ("Alerts:ConnectionChangeFor", "00:00:00"));
        await BarrierAsync(gateway, webhook, "counted");

        await Registry.WriteAsync(origin.Record with { Connections = 400 }, announce: true, Cancellation);

        await webhook.UntilAsync("firing connection-change:up");
    }

    [Fact]
    public void Slack_gets_a_text_that_its_markup_cannot_change_and_a_coloured_box()
    {
        var payload = new AlertPayload(Options.Create(new AlertsOptions { Cluster = "a<b", RunbookUrl = new Uri("https://docs.test/operations.html") }));
        var alert = new Alert
        {
            Key = "replica-lost:r1",
            Rule = "replica-lost",
            Severity = AlertSeverity.Critical,
            Summary = "<!channel> & more",
            Recovery = "Fine again.",
            Since = DateTimeOffset.UnixEpoch,
            EndedAt = DateTimeOffset.UnixEpoch.AddMinutes(2),
        };

        using var begin = JsonDocument.Parse(payload.Create(new AlertNotice(AlertState.Firing, alert)));
        using var end = JsonDocument.Parse(payload.Create(new AlertNotice(AlertState.Resolved, alert)));

        Assert.Equal(":rotating_light: *firing* &lt;!channel&gt; &amp; more", begin.RootElement.GetProperty("text").GetString());
        var box = begin.RootElement.GetProperty("attachments")[0];
        Assert.Equal(("danger", 120), (box.GetProperty("color").GetString(), box.GetProperty("ts").GetInt32()));
        Assert.Contains("https://docs.test/operations.html#replica-lost", box.GetProperty("fields").ToString(), StringComparison.Ordinal);
        Assert.Contains("a&lt;b", JsonSerializer.Deserialize<JsonElement>(box.GetProperty("fields").GetRawText())[0].GetProperty("value").GetString(), StringComparison.Ordinal);
        Assert.Equal(":white_check_mark: *resolved* Fine again.", end.RootElement.GetProperty("text").GetString());
        Assert.Equal("good", end.RootElement.GetProperty("attachments")[0].GetProperty("color").GetString());
    }

    [Theory]
    [InlineData("Alerts:WebhookUrl", "hooks.test/s3cr3t", "absolute http or https address")]
    [InlineData("Alerts:WebhookUrl", "ftp://hooks.test/s3cr3t", "absolute http or https address")]
    [InlineData("Alerts:CrashLoopRestarts", "1", "CrashLoopRestarts")]
    public async Task A_wrong_setting_stops_the_start_without_telling_secrets(string key, string value, string message)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayAsync((key, value)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", exception.Message, StringComparison.Ordinal);
    }

    private static async ValueTask<Stream> FromDeniedAddressAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.9"), 0));
        await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // An alert of its own: when it is reported, the rules have seen the cluster as it was before.
    private static async Task BarrierAsync(GatewayHost gateway, WebhookReceiver webhook, string id)
    {
        using var answer = await gateway.Admin.PostAsJsonAsync("/admin/restarts", new { id, gaveUp = true }, Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await webhook.UntilAsync($"firing crash-loop:{id}");
    }

    private Task<GatewayHost> AlertingGatewayAsync(WebhookReceiver webhook, params (string Key, string Value)[] settings)
    {
        var all = Settings(webhook);
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        return GatewayAsync([.. all.Select(setting => (setting.Key, setting.Value!))]);
    }

    private static Dictionary<string, string?> Settings(WebhookReceiver webhook) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["Alerts:WebhookUrl"] = webhook.Url,
        ["Alerts:Format"] = "Json",
        ["Alerts:EvaluateEvery"] = "00:00:00.050",
        ["Alerts:StartupGrace"] = "00:00:00",
        ["Alerts:NoReplicaFor"] = "00:00:00.100",
        ["Alerts:RetryDelay"] = "00:00:00.010",
        ["Alerts:MaxAttempts"] = "4",
    };

    private static async Task<JsonElement> AlertsAsync(GatewayHost gateway) =>
        await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/alerts", Cancellation);
}
