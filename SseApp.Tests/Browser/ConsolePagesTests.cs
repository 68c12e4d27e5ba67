namespace SseApp.Tests.Browser;

/// <summary>Both consoles in a real browser, at a real cluster: what a person would look at, press, and be told.</summary>
public sealed class ConsolePagesTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const string Contrast = "{ runOnly: ['color-contrast'] }";

    private static readonly ServiceClusterOptions s_cluster = new() { Replicas = 2, Settings = [("Drain:Window", "00:00:01")] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task The_overview_moves_with_the_load_and_drains_a_replica_by_a_button()
    {
        var cluster = await shared.WholeAsync(s_cluster);
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address };
        await using var page = await BrowserPage.OpenAsync();
        await page.ResizeAsync(1400);
        await page.GoToAsync(Operators(cluster));
        await page.UntilAsync("document.querySelectorAll('#replicas tr:not(.gone)').length === 2 && document.getElementById('n-streams').textContent === '0'", "the overview");
        // The key is nowhere to be seen.
        Assert.Equal("", (await page.EvaluateAsync("location.hash")).GetString());
        var quiet = await page.PictureAsync();

        var streams = new List<StreamClient>();
        try
        {
            for (var i = 0; i < 12; i++)
            {
                streams.Add(await StreamClient.OpenAsync(client, "/events?topic=charts"));
            }

            using var stop = new CancellationTokenSource();
            var publishing = PublishAsync(client, "charts", stop.Token);
            await page.UntilAsync("document.getElementById('n-streams').textContent === '12'", "twelve streams");
            await page.UntilAsync("parseFloat(document.getElementById('n-delivered').textContent) > 0 && parseFloat(document.getElementById('n-published').textContent) > 0", "rates above 0");
            // What the charts have drawn is another picture, and in words it is there, too.
            Assert.NotEqual(quiet, await page.PictureAsync());
            await page.UntilAsync("[...document.querySelectorAll('.chart.wide .legend b')].reduce((sum, one) => sum + Number(one.textContent), 0) === 12", "the legend to have twelve streams");
            await page.UntilAsync("document.querySelector('.chart.wide .plot').getAttribute('aria-label').includes('now')", "the chart in words");

            await page.ClickAsync("[aria-label='Drain r0']");
            await page.UntilAsync("document.querySelector('[aria-label=\"Undrain r0\"]')?.closest('tr').textContent.includes('drained')", "r0 to be drained");
            await page.UntilAsync("document.querySelector('[aria-label=\"Undrain r0\"]').closest('tr').cells[3].textContent === '0'", "its streams to be gone");
            await page.ClickAsync("[aria-label='Undrain r0']");
            await page.UntilAsync("document.querySelector('[aria-label=\"Drain r0\"]')?.closest('tr').textContent.includes('ready')", "r0 to be ready again");

            // What was done is told, in the other views as well.
            await page.EvaluateAsync("location.hash = '#actions'");
            await page.UntilAsync("document.getElementById('action-rows').textContent.includes('/admin/replicas/r0/drain')", "the drain among the actions");
            await page.EvaluateAsync("location.hash = '#topics'");
            await page.UntilAsync("document.getElementById('topic-rows').textContent.includes('charts')", "the busiest topic");
            await page.ClickAsync("[aria-label='Streams of charts']");
            await page.UntilAsync("document.querySelectorAll('#stream-rows tr').length > 0 && document.getElementById('stream-rows').textContent.includes('127.0.0.1')", "the streams");
            await page.EvaluateAsync("globalThis.gone = document.querySelector('#stream-rows tr').cells[0].textContent");
            await page.ClickAsync("#stream-rows button");
            await page.UntilAsync("!document.getElementById('stream-rows').textContent.includes(gone)", "the stream that was disconnected to be gone");
            await stop.CancelAsync();
            await publishing;
        }
        finally
        {
            streams.ForEach(stream => stream.Dispose());
        }

        Assert.Empty(page.Errors);

        // Another gateway's history begins with itself; what was seen before stays.
        await page.EvaluateAsync("location.hash = '#overview'");
        await page.ClickAsync("#minutes summary");
        const string Load = "[...document.querySelectorAll('#minute-rows tr')].some(row => parseFloat(row.cells[1].textContent) > 0)";
        await page.UntilAsync(Load, "the streams of the last minutes");
        await cluster.Gateway.Process.KillAsync();
        await page.UntilAsync("document.getElementById('cluster').textContent === 'gateway unreachable'", "the console to miss its gateway");
        await cluster.Gateway.StartAsync();
        await page.UntilAsync("document.getElementById('cluster').textContent !== 'gateway unreachable' && document.querySelectorAll('#replicas tr:not(.gone)').length === 2", "the console at the new gateway");
        Assert.True((await page.EvaluateAsync(Load)).GetBoolean(), "The console has forgotten what was before the new gateway.");
    }

    [LongFact]
    public async Task The_playground_resumes_after_the_kill_of_its_replica_and_after_a_cut_and_proves_that_nothing_was_lost()
    {
        var cluster = await shared.WholeAsync(s_cluster);
        await using var page = await BrowserPage.OpenAsync();
        await page.GoToAsync(cluster.Gateway.Address);
        // A topic of its own, whatever other tests publish.
        await page.EvaluateAsync("for (const form of ['publish', 'subscribe']) document.getElementById(form).elements.topic.value = 'playground'");
        await page.EvaluateAsync("document.getElementById('subscribe').requestSubmit()");
        await page.UntilAsync("document.getElementById('state').textContent === 'open'", "the stream");
        await page.ClickAsync("#pace");
        await page.UntilAsync("Number(document.getElementById('received').textContent) > 3", "events");

        var served = await page.TextAsync("served");
        var killed = cluster.Replicas.Single(replica => served.StartsWith($"Served by {replica.Name},", StringComparison.Ordinal));
        await killed.Process.KillAsync();
        await page.UntilAsync($"document.getElementById('state').textContent === 'open' && !document.getElementById('served').textContent.includes('Served by {killed.Name},')", "the stream from the other replica");
        await page.EvaluateAsync("globalThis.then = Number(document.getElementById('received').textContent)");
        await page.UntilAsync("Number(document.getElementById('received').textContent) > then + 3", "events after the kill");

        await page.ClickAsync("#cut");
        await page.UntilAsync("document.getElementById('state').textContent === 'cut'", "the cut");
        await page.UntilAsync("document.getElementById('state').textContent === 'open' && Number(document.getElementById('missed').textContent) > 3", "the stream to say what it missed");
        await page.UntilAsync("document.getElementById('caught').textContent === document.getElementById('missed').textContent", "all that was missed");
        await page.ClickAsync("#pace");
        await page.UntilAsync("document.getElementById('pace').textContent === 'Five a second'", "the end of publishing");
        var newest = (await page.EvaluateAsync("fetch('topics/playground').then(answer => answer.json()).then(topic => topic.lastOffset)")).GetInt32();
        await page.UntilAsync($"Number(document.getElementById('received').textContent) === {newest}", "all that was published");
        // The counts of what was lost are made a moment after the events; they stay.
        await page.ClickAsync("#newest");
        await page.UntilAsync($"document.getElementById('meaning').textContent.includes('1 to {newest}')", "the meaning of the newest id");
        Assert.Contains("nothing: it is the newest", await page.TextAsync("meaning"), StringComparison.Ordinal);
        Assert.Equal(("0", "0"), (await page.TextAsync("repeated"), await page.TextAsync("lost")));
        Assert.Empty(page.Errors);
    }

    [LongFact]
    public async Task Axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone()
    {
        var package = await NodePackage.RequireAsync("axe-core", "4.14.1");
        var axe = await File.ReadAllTextAsync(Path.Combine(package, "axe.min.js"), Cancellation);
        var cluster = await shared.WholeAsync(s_cluster);
        using var client = new HttpClient { BaseAddress = cluster.Gateway.Address };
        using var stream = await StreamClient.OpenAsync(client, $"/events?topic={new string('w', 200)}");
        using var stored = await client.PostAsync($"/topics/{new string('w', 200)}/events", new StringContent("x"), Cancellation);
        await using var page = await BrowserPage.OpenAsync();
        var found = new List<string>();
        foreach (var (address, views) in new[] { (cluster.Gateway.Address, (string[])[""]), (Operators(cluster), ["overview", "topics", "streams", "alerts", "actions"]) })
        {
            await page.GoToAsync(address);
            await page.EvaluateAsync("(() => { const form = document.getElementById('subscribe'); if (form) form.requestSubmit(); })()");
            await page.UntilAsync("document.getElementById('cluster').className.includes('good') || document.getElementById('cluster').className.includes('warn')", "the state of the cluster");
            await page.EvaluateAsync($"(() => {{ {axe} }})()");
            foreach (var view in views)
            {
                await page.EvaluateAsync(view.Length > 0 ? $"location.hash = '#{view}'" : "0");
                await page.UntilAsync(view switch
                {
                    "topics" => "document.querySelector('#topic-rows tr')",
                    "streams" => "document.querySelector('#stream-rows tr')",
                    "overview" => "document.querySelectorAll('#replicas tr').length > 1 && document.querySelector('.u-wrap')",
                    _ => "true",
                }, $"the view '{view}'");
                // Widths change what is there, colors only how it stands out.
                foreach (var (width, scheme, rules) in new[] { (1400, "light", ""), (1400, "dark", Contrast), (360, "dark", ""), (360, "light", Contrast) })
                {
                    await page.ResizeAsync(width);
                    await page.PreferAsync(scheme);
                    var name = $"{(view.Length > 0 ? view : "playground")}, {width} px, {scheme}";
                    // Charts take their new size a frame or two after the page has its own.
                    var excess = (await page.EvaluateAsync(
                        "(async () => { let excess; for (let frame = 0; frame < 20 && (excess = document.documentElement.scrollWidth - innerWidth) > 0; frame++) await new Promise(requestAnimationFrame); return excess; })()")).GetDouble();
                    if (excess > 0)
                    {
                        found.Add($"{name}: {excess} px too wide");
                    }

                    var violations = await page.EvaluateAsync(
                        $"axe.run({rules}).then(result => result.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(one => one.id + ' at ' + one.nodes.map(node => node.html).join(' ; ').slice(0, 400)))");
                    found.AddRange(violations.EnumerateArray().Select(violation => $"{name}: {violation.GetString()}"));
                }
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
        Assert.Empty(page.Errors);
    }

    private static Uri Operators(ServiceCluster cluster) => new(cluster.Gateway.Admin, $"/#key={OperatorAccess.Key.Text}");

    private static async Task PublishAsync(HttpClient client, string topic, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var stored = await client.PostAsync($"/topics/{topic}/events", new StringContent("x"), Cancellation);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
    }
}
