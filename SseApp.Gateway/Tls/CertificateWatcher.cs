namespace SseApp.Gateway.Tls;

/// <summary>Looks at the certificate's files when the file system says that they changed, and now and then because it may not say so.</summary>
internal sealed partial class CertificateWatcher(
    CertificateSource source, IOptions<TlsOptions> options, TimeProvider time, ILogger<CertificateWatcher> logger) : BackgroundService
{
    // A certificate and its key are written one after the other; reading between them would log a mismatch.
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _changed = new(0, 1);

    public override void Dispose()
    {
        _changed.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var folders = new[] { options.Value.CertificateFile, options.Value.KeyFile }
            .Where(file => !string.IsNullOrWhiteSpace(file))
            .Select(file => Path.GetDirectoryName(Path.GetFullPath(file!))!)
            .Distinct(StringComparer.Ordinal);
        var watchers = folders.Select(Watch).ToArray();
        try
        {
            while (true)
            {
                if (await _changed.WaitAsync(options.Value.PollInterval, stoppingToken))
                {
                    await Task.Delay(s_settle, time, stoppingToken);
                }

                source.Refresh();
            }
        }
        finally
        {
            foreach (var watcher in watchers)
            {
                watcher?.Dispose();
            }
        }
    }

    // The folder, not the file: a renewed file is usually moved over the old one.
    private FileSystemWatcher? Watch(string folder)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(folder);
            watcher.Changed += Signal;
            watcher.Created += Signal;
            watcher.Renamed += Signal;
            watcher.Deleted += Signal;
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or PlatformNotSupportedException)
        {
            watcher?.Dispose();
            LogNotWatched(folder, options.Value.PollInterval, exception.Message);
            return null;
        }
    }

    private void Signal(object sender, FileSystemEventArgs e)
    {
        try
        {
            _changed.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // One look serves all changes up to it; after the end none is needed.
        }
    }

    [LoggerMessage(LogLevel.Warning, "The folder {Folder} cannot be watched ({Error}); a new certificate is found within {Interval} (Tls:PollInterval).")]
    private partial void LogNotWatched(string folder, TimeSpan interval, string error);
}
