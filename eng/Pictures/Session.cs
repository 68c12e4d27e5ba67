using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.Bench.Generator;
using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>One cluster; for each run a load, and a replica that is killed.</summary>
internal sealed class Session(int streams, int runs, string? folder)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(10);

    // So that there is something to see in a chart of minutes.
    private static readonly TimeSpan s_pose = TimeSpan.FromSeconds(60);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await RunningCluster.StartAsync();
        using var operators = OperatorAccess.Client(cluster.Operators, cluster.Key);
        using var queries = new HttpClient { BaseAddress = cluster.Prometheus };
        await using var dashboard = await OpenDashboardAsync(cluster);
        await using var counter = await OpenDashboardAsync(cluster);
        await using var console = await BrowserPage.OpenAsync();
        await console.ResizeAsync(1280, 1000);
        await console.GoToAsync(new Uri(cluster.Operators, $"/#key={cluster.Key}"));
        var replicas = await ReadyAsync(operators, cancellationToken);

        var holds = true;
        for (var run = 1; run <= runs; run++)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"run {run} of {runs}"));
            await Eventually.Async(async () => await ReadyAsync(operators, cancellationToken) == replicas, s_limit, $"{replicas} replicas to be ready");
            using var load = new StreamLoad(cluster.Gateway, streams);
            await load.Opened.WaitAsync(s_limit, TimeProvider.System, cancellationToken);
            await ShowAsync(dashboard, cluster, "sse_gateway_active_streams");
            await ShowAsync(counter, cluster, "sse_gateway_streams_lost_total");
            View[] views =
            [
                View.OfDashboard(dashboard), await View.OfDashboardsCounterAsync(counter), View.OfPrometheus(queries, "sum(sse_active_connections)"), View.OfConsole(console),
            ];
            holds &= await KillAsync(views, load, operators, cancellationToken);
            if (folder is not null && run == runs)
            {
                await using var prometheus = await BrowserPage.OpenAsync();
                await prometheus.ResizeAsync(1280, 860);
                await new Gallery(folder, cluster).TakeAsync(dashboard, console, prometheus);
            }
        }

        return holds ? 0 : 1;
    }

    /// <summary>Kills the fullest replica and prints what each view showed.</summary>
    /// <returns>Whether all of them were right and in time.</returns>
    private async Task<bool> KillAsync(View[] views, StreamLoad load, HttpClient operators, CancellationToken cancellationToken)
    {
        var observation = new Observation(views);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = observation.WatchAsync(stop.Token);
        var before = load.Open;
        await Eventually.Async(() => watching.IsCompleted || observation.Agree(before, s_steady), s_limit, $"all views to show {before} streams");

        if (folder is not null)
        {
            await Task.WhenAny(watching, Task.Delay(s_pose, TimeProvider.System, cancellationToken));
        }

        var (id, process) = await BusiestAsync(operators, cancellationToken);
        var killed = TimeProvider.System.GetUtcNow();
        Libc.Signal(process, Libc.Kill);
        Console.WriteLine($"killed {id}");
        await Task.WhenAny(watching, Task.Delay(s_settle, TimeProvider.System, cancellationToken));
        var after = load.Open;
        await stop.CancelAsync();
        await watching;

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before} streams, {after} after the end of {id}"));
        Console.WriteLine("view                before  after  loss shown after");
        var verdicts = views.Select((_, index) => observation.Judge(index, killed, before, after)).ToList();
        foreach (var verdict in verdicts)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{verdict.View.Name,-18} {verdict.Before,7} {verdict.After,6}  {(verdict.Lag is { } lag ? $"{lag.TotalSeconds:0.0} s" : "never")} (at most {verdict.View.Promise.TotalSeconds:0} s){(verdict.Holds ? "" : "  WRONG")}"));
        }

        return after < before && verdicts.TrueForAll(verdict => verdict.Holds);
    }

    private static async Task<BrowserPage> OpenDashboardAsync(RunningCluster cluster)
    {
        var page = await BrowserPage.OpenAsync();
        await page.ResizeAsync(1280, 720);
        await page.GoToAsync(cluster.Dashboard);
        await page.UntilAsync("document.body.innerText.includes('gateway')", "the dashboard's resources");
        return page;
    }

    private static async Task ShowAsync(BrowserPage dashboard, RunningCluster cluster, string instrument)
    {
        await dashboard.GoToAsync(new Uri(cluster.Dashboard, $"/metrics/resource/gateway?meter=SseApp&instrument={instrument}&duration=1&view=Graph"));
        await dashboard.UntilAsync("document.querySelector('.js-plotly-plot')?.data[0].y.some(value => value !== null)", $"the dashboard's chart of {instrument}");
    }

    private static async Task<int> ReadyAsync(HttpClient operators, CancellationToken cancellationToken) =>
        (await operators.GetFromJsonAsync<JsonElement>("/admin/replicas", cancellationToken)).EnumerateArray()
            .Count(replica => replica.GetProperty("state").GetString() == "ready" && replica.GetProperty("health").GetString() == "healthy");

    /// <summary>The replica with the most streams, and its process.</summary>
    private static async Task<(string Id, int Process)> BusiestAsync(HttpClient operators, CancellationToken cancellationToken)
    {
        var replicas = await operators.GetFromJsonAsync<JsonElement>("/admin/replicas", cancellationToken);
        var id = replicas.EnumerateArray().MaxBy(replica => replica.GetProperty("connections").GetInt32()).GetProperty("id").GetString()!;
        var replica = await operators.GetFromJsonAsync<JsonElement>($"/admin/replicas/{Uri.EscapeDataString(id)}", cancellationToken);
        return (id, replica.GetProperty("process").GetProperty("processId").GetInt32());
    }
}
