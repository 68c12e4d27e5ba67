using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>The pictures of the docs.</summary>
internal sealed class Gallery(string folder, RunningCluster cluster)
{
    public async Task TakeAsync(BrowserPage dashboard, BrowserPage console, BrowserPage prometheus)
    {
        Directory.CreateDirectory(folder);
        await SaveAsync("dashboard-streams", dashboard);
        await SaveAsync("console-overview", console);

        await prometheus.GoToAsync(new Uri(cluster.Prometheus, "/classic/graph?g0.expr=sum%20by%20(instance)%20(sse_active_connections)&g0.tab=0&g0.stacked=1&g0.range_input=2m"));
        await prometheus.UntilAsync("document.querySelector('svg path, canvas')", "the chart of Prometheus");
        await SaveAsync("prometheus-streams", prometheus);

        await dashboard.GoToAsync(new Uri(cluster.Dashboard, "/"));
        await dashboard.UntilAsync("document.body.innerText.includes('prometheus')", "the dashboard's resources");
        // Where things are on this machine is nobody's business.
        await dashboard.EvaluateAsync("""
            (() => {
              const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              while (texts.nextNode()) texts.currentNode.nodeValue = texts.currentNode.nodeValue.replace(/\/(?:[^\s\/]+\/)+/g, "");
            })()
            """);
        await SaveAsync("dashboard-resources", dashboard);

        await console.PreferAsync("dark");
        await console.GoToAsync(cluster.Gateway);
        await console.EvaluateAsync("document.getElementById('subscribe').requestSubmit()");
        await console.UntilAsync("document.getElementById('state').textContent === 'open'", "the playground's stream");
        await console.ClickAsync("#pace");
        await console.UntilAsync("Number(document.getElementById('received').textContent) > 10", "events in the playground");
        await console.ClickAsync("#cut");
        await console.UntilAsync("document.getElementById('state').textContent === 'open' && Number(document.getElementById('missed').textContent) > 3", "the playground to say what it missed");
        await console.UntilAsync("document.getElementById('caught').textContent === document.getElementById('missed').textContent", "what was missed");
        await SaveAsync("playground", console);
    }

    private async Task SaveAsync(string name, BrowserPage page)
    {
        var file = Path.Combine(folder, $"{name}.png");
        await File.WriteAllBytesAsync(file, await page.PictureAsync());
        Console.WriteLine($"{file}, {new FileInfo(file).Length / 1024} KiB");
    }
}
