using System.Diagnostics;

namespace SseApp.Tests.Infrastructure;

/// <summary>A headless Chromium that shows one page until it is disposed of. Pages report to the test's own server.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _profile;

    private Chromium(Process process, DirectoryInfo profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Opens the page; skips the test where no Chromium is installed.</summary>
    public static Chromium Open(Uri page)
    {
        var path = BackplaneServer.FindOnPath("chromium") ?? BackplaneServer.FindOnPath("google-chrome");
        if (path is null)
        {
            Assert.Skip("Chromium is not installed (apt-get install chromium).");
        }

        var profile = Directory.CreateTempSubdirectory("sseapp-chromium-");
        var start = new ProcessStartInfo(path,
        [
            // CI runs as root, where Chromium's sandbox refuses to start.
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            $"--user-data-dir={profile.FullName}", page.AbsoluteUri,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Chromium(process, profile);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A child that is still going down may write its profile once more; the folder is in the temporary one.
        }
    }
}
