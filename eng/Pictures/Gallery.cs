using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>The pictures of the docs.</summary>
internal sealed class Gallery(string folder, RunningCluster cluster)
{
    public async Task TakeAsync(BrowserPage dashboard, BrowserPage console)
    {
        Directory.CreateDirectory(folder);
        await SaveAsync("dashboard-streams", dashboard);
        await SaveAsync("console-overview", console);

        await dashboard.GoToAsync(new Uri(cluster.Dashboard, "/"));
        await dashboard.UntilAsync("document.body.innerText.includes('gateway')", "the dashboard's resources");
        await SaveAsync("dashboard-resources", dashboard);
    }

    private async Task SaveAsync(string name, BrowserPage page)
    {
        var file = Path.Combine(folder, $"{name}.png");
        await File.WriteAllBytesAsync(file, await page.PictureAsync());
        Console.WriteLine($"{file}, {new FileInfo(file).Length / 1024} KiB");
    }
}
