namespace SseApp.Tests.Infrastructure;

/// <summary>A headless Chromium that shows one page until it is disposed of. Pages report to the test's own server.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly DirectoryInfo _profile;

    private Chromium(ChildProcess process, DirectoryInfo profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>The folder that it keeps everything in.</summary>
    public string Profile => _profile.FullName;

    /// <summary>Opens the page; skips the test where no Chromium is installed.</summary>
    /// <param name="page">Its address.</param>
    /// <param name="more">Arguments beside the usual ones.</param>
    public static Chromium Open(Uri page, params string[] more)
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
            $"--user-data-dir={profile.FullName}", .. more, page.AbsoluteUri,
        ]);
        return new Chromium(ChildProcess.Start(start), profile);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
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
