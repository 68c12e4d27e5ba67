using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.Bench.Generator;
using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>One cluster, one load, one replica that is killed.</summary>
internal sealed class Session(int streams, string? folder)
{
    private const string DashboardPage = "/metrics/resource/gateway?meter=SseApp&instrument=sse_gateway_active_streams&duration=1&view=Graph";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_steady = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(20);

    // So that there is something to see in a chart of minutes.
    private static readonly TimeSpan s_pose = TimeSpan.FromSeconds(60);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await RunningCluster.StartAsync();
        using var operators = OperatorAccess.Client(cluster.Operators, cluster.Key);
        using var queries = new HttpClient { BaseAddress = cluster.Prometheus };
        await using var dashboard = await BrowserPage.OpenAsync();
        await dashboard.ResizeAsync(1280, 720);
        await dashboard.GoToAsync(cluster.Dashboard);
        await dashboard.UntilAsync("document.body.innerText.includes('gateway')", "the dashboard's resources");
        await using var console = await BrowserPage.OpenAsync();
        await console.ResizeAsync(1280, 1000);
        await console.GoToAsync(new Uri(cluster.Operators, $"/#key={cluster.Key}"));

        using var load = new StreamLoad(cluster.Gateway, streams);
        await load.Opened.WaitAsync(s_limit, TimeProvider.System, cancellationToken);
        await dashboard.GoToAsync(new Uri(cluster.Dashboard, DashboardPage));
        await dashboard.UntilAsync("document.querySelector('.js-plotly-plot')", "the dashboard's chart");

        View[] views = [View.OfDashboard(dashboard), View.OfPrometheus(queries, "sum(sse_active_connections)"), View.OfConsole(console)];
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
        var killed = observation.Elapsed;
        Libc.Signal(process, Libc.Kill);
        Console.WriteLine($"killed {id}");
        await Task.WhenAny(watching, Task.Delay(s_settle, TimeProvider.System, cancellationToken));
        var after = load.Open;
        await stop.CancelAsync();
        await watching;

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before} streams, {after} after the end of {id}"));
        Console.WriteLine("view        before  after  loss shown after");
        var verdicts = views.Select((_, index) => observation.Judge(index, killed, before, after)).ToList();
        foreach (var verdict in verdicts)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{verdict.View.Name,-10} {verdict.Before,7} {verdict.After,6}  {(verdict.Lag is { } lag ? $"{lag.TotalSeconds:0.0} s" : "never")} (at most {verdict.View.Promise.TotalSeconds:0} s){(verdict.Holds ? "" : "  WRONG")}"));
        }

        if (folder is not null)
        {
            await using var prometheus = await BrowserPage.OpenAsync();
            await prometheus.ResizeAsync(1280, 860);
            await new Gallery(folder, cluster).TakeAsync(dashboard, console, prometheus);
        }

        return after < before && verdicts.TrueForAll(verdict => verdict.Holds) ? 0 : 1;
    }

    /// <summary>The replica with the most streams, and its process.</summary>
    private static async Task<(string Id, int Process)> BusiestAsync(HttpClient operators, CancellationToken cancellationToken)
    {
        var replicas = await operators.GetFromJsonAsync<JsonElement>("/admin/replicas", cancellationToken);
        var id = replicas.EnumerateArray().MaxBy(replica => replica.GetProperty("connections").GetInt32()).GetProperty("id").GetString()!;
        var replica = await operators.GetFromJsonAsync<JsonElement>($"/admin/replicas/{Uri.EscapeDataString(id)}", cancellationToken);
        return (id, replica.GetProperty("process").GetProperty("processId").GetInt32());
    }
}
