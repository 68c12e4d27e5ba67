using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using SseApp.Tests.Docs;

namespace SseApp.Tests.EndToEnd;

/// <summary>
/// What the AppHost adds for monitoring, with Debian's programs: a real Prometheus that scrapes a real cluster, and answers what the board and
/// the rules ask.
/// </summary>
public sealed partial class MonitoringTests(MonitoredClusterFixture cluster) : IClassFixture<MonitoredClusterFixture>
{
    // Together more than one a second of six hours: below that, a share of gaps over six hours says nothing.
    private const int Streams = 150;
    private const int Events = 250;

    // More than the loss objective allows.
    private const int Gaps = 150;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Every_target_is_up_every_query_and_rule_has_an_answer_and_an_alert_arrives()
    {
        await cluster.RequireProgramsAsync();
        using var prometheus = new HttpClient { BaseAddress = cluster.App.GetEndpoint("prometheus", "http") };
        using var alertmanager = new HttpClient { BaseAddress = cluster.App.GetEndpoint("alertmanager", "http") };
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            limit.CancelAfter(s_limit);
            await cluster.App.ResourceNotifications.WaitForResourceHealthyAsync("prometheus", limit.Token);
        }

        var targets = await UpAsync(prometheus);
        // By the names that the gateway has for them, so that both halves of the board call them the same. A replica answers for its metrics before it
        // is registered, so the gateway may know of it later than Prometheus.
        using var operators = cluster.OperatorClient();
        var scraped = targets.Where(target => target.Job == "sse-replica").Select(target => target.Instance).Order(StringComparer.Ordinal).ToArray();
        await Eventually.Async(
            async () => (await operators.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation)).EnumerateArray().Select(replica => replica.GetProperty("id").GetString())
                .Order(StringComparer.Ordinal).SequenceEqual(scraped, StringComparer.Ordinal),
            s_limit,
            $"the gateway to have the replicas that Prometheus has: {string.Join(", ", scraped)}");

        var (recording, alerts) = (await DocsFolder.ReadAsync("deploy/monitoring/rules/recording.yml"), await DocsFolder.ReadAsync("deploy/monitoring/rules/alerts.yml"));
        Assert.Equal(
            Rule().Matches(recording + alerts).Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal),
            (await GetAsync(prometheus, "/api/v1/rules")).GetProperty("groups").EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray()).Select(rule => rule.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));

        var begin = TimeProvider.System.GetUtcNow();
        await LoadAsync();

        var board = await Board.ReadAsync();
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, metric, label) in board.LabelVariables)
        {
            var values = (await GetAsync(prometheus, $"/api/v1/label/{label}/values?match[]={Uri.EscapeDataString(metric)}")).EnumerateArray().Select(value => value.GetString()!).ToArray();
            Assert.NotEmpty(values);
            variables[name] = $"({string.Join('|', values)})";
        }

        (string Name, string Query)[] open = [.. board.Queries, .. Rule().Matches(recording).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).Select(name => ($"rule {name}", name))];
        Assert.True(open.Length > 100, "The board's queries were not found.");
        // These metrics are not there without an archive.
        open = [.. open.Where(each => MonitoredClusterFixture.HasArchive || !OfTheArchive().IsMatch(each.Query))];
        try
        {
            await Eventually.Async(
                async () =>
                {
                    var answers = await Task.WhenAll(open.Select(each => HasAnswerAsync(prometheus, AsGrafana(each.Query, variables), begin)));
                    open = [.. open.Where((_, index) => !answers[index])];
                    return open.Length == 0;
                },
                s_limit,
                "every query to have an answer");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Without one: {string.Join("; ", open.Select(each => $"{each.Name}: {each.Query}"))}", exception);
        }

        await Eventually.Async(
            async () => (await alertmanager.GetStringAsync("/api/v2/alerts", Cancellation)).Contains("SseLossFast", StringComparison.Ordinal), s_limit, "the alert of the gaps to be at Alertmanager");
        // The one that was killed is back, at whatever address it has now.
        await UpAsync(prometheus);
    }

    /// <summary>Streams that get events, some that resume, some whose position nobody knows, a refusal, and a replica that is killed.</summary>
    private async Task LoadAsync()
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }) { BaseAddress = cluster.Gateway, Timeout = s_limit };
        var readers = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => SseReader.OpenAsync(client, "/events?topic=board")));
        await Task.WhenAll(readers.Select(reader => reader.OpenedAsync()));
        for (var i = 0; i < Events; i++)
        {
            using var published = await client.PostAsync("/topics/board/events", new StringContent($"{i}"), Cancellation);
            Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        }

        await Task.WhenAll(readers.Select(reader => reader.DataAsync(Events)));
        using var large = new HttpRequestMessage(HttpMethod.Post, "/topics/board/events") { Content = new ByteArrayContent(new byte[17 * 1024 * 1024]), Headers = { ExpectContinue = true } };
        using var refused = await client.SendAsync(large, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        var lost = await Task.WhenAll(Enumerable.Range(0, Gaps).Select(_ => SseReader.OpenAsync(client, "/events?topic=board", "nobody-knows-this")));

        var killed = cluster.EventsReplicas.First().Value.Properties.First(property => property.Name == "executable.pid").Value;
        // The orchestrator knows the 'dotnet run' that started the service; the service is its child.
        using (var process = Process.GetProcessById(Assert.IsType<int>(killed)))
        {
            process.Kill(entireProcessTree: true);
        }

        // With a key it is sent again if it went to the one that was killed.
        using (var publish = new HttpRequestMessage(HttpMethod.Post, "/topics/board/events") { Content = new StringContent("missed"), Headers = { { "Idempotency-Key", "missed" } } })
        using (var missed = await client.SendAsync(publish, Cancellation))
        {
            Assert.Equal(HttpStatusCode.Created, missed.StatusCode);
        }

        var resumed = await Task.WhenAll(readers.Take(10).Select(reader => SseReader.OpenAsync(client, "/events?topic=board", reader.LastEventId)));
        foreach (var reader in resumed)
        {
            await reader.OpenedAsync();
            Assert.Equal("missed", Assert.Single(await reader.DataAsync(1)));
        }

        foreach (var reader in readers.Concat(lost).Concat(resumed))
        {
            await reader.DisposeAsync();
        }
    }

    /// <summary>As Grafana sends it to the data source, with its interval of 5 s and all values chosen.</summary>
    private static string AsGrafana(string query, Dictionary<string, string> variables)
    {
        var sent = variables.Aggregate(query.Replace("$__rate_interval", "20s", StringComparison.Ordinal), (text, variable) => text.Replace($"${variable.Key}", variable.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("$", sent, StringComparison.Ordinal);
        return sent;
    }

    /// <summary>Asks for the time since <paramref name="begin"/>, as a panel does for what it shows. Not a number is no answer.</summary>
    private static async Task<bool> HasAnswerAsync(HttpClient prometheus, string query, DateTimeOffset begin)
    {
        var found = await GetAsync(
            prometheus,
            $"/api/v1/query_range?start={begin.ToUnixTimeSeconds()}&end={TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}&step=1&query={Uri.EscapeDataString(query)}");
        return found.GetProperty("result").EnumerateArray().Any(series => series.GetProperty("values").EnumerateArray().Any(value => value[1].GetString() != "NaN"));
    }

    private static async Task<Target[]> UpAsync(HttpClient prometheus)
    {
        Target[] targets = [];
        await Eventually.Async(
            async () =>
            {
                targets = [.. (await GetAsync(prometheus, "/api/v1/targets?state=active")).GetProperty("activeTargets").EnumerateArray().Select(target => new Target(
                    target.GetProperty("labels").GetProperty("job").GetString()!, target.GetProperty("labels").GetProperty("instance").GetString()!, target.GetProperty("health").GetString()!))];
                return targets.Length == ClusterFixture.Replicas + 1 && Array.TrueForAll(targets, target => target.Health == "up");
            },
            s_limit,
            "all targets to be up");
        return targets;
    }

    /// <summary>The data of an answer of Prometheus.</summary>
    private static async Task<JsonElement> GetAsync(HttpClient prometheus, string path)
    {
        using var response = await prometheus.GetAsync(path, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {text}");
        return JsonElement.Parse(text).GetProperty("data");
    }

    [GeneratedRegex(@"- (record|alert): (?<name>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rule();

    [GeneratedRegex(@"\bsse_(?:archived?|history)_", RegexOptions.None, 1000)]
    private static partial Regex OfTheArchive();

    private sealed record Target(string Job, string Instance, string Health);
}
