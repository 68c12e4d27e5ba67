namespace SseApp.AppHost.Backplane;

/// <summary>
/// Says that there is no room for the files of the embedded Redis. Garnet says nothing: it closes every connection, and to the services it is merely away.
/// </summary>
/// <param name="folder">Where its files are.</param>
/// <param name="free">Bytes that are free there, or null when nobody knows.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class DiskWatch(string folder, Func<string, long?> free, TimeProvider time, ILogger<DiskWatch> logger) : BackgroundService
{
    /// <summary>With less than this it is about to be full.</summary>
    public const long Low = 64L * 1024 * 1024;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private bool _isLow;

    /// <summary>Bytes that this user may still write in a folder.</summary>
    public static long? FreeOf(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            Look();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    // Twice as much until it is enough again: around one number there would be a line every five seconds.
    private void Look()
    {
        if (free(folder) is not { } bytes)
        {
            return;
        }

        if (!_isLow && bytes < Low)
        {
            _isLow = true;
            LogLow(folder, bytes / (1024 * 1024), BackplaneOptions.SectionName, nameof(BackplaneOptions.DataDirectory));
        }
        else if (_isLow && bytes >= 2 * Low)
        {
            _isLow = false;
            LogRoom(folder);
        }
    }

    [LoggerMessage(
        LogLevel.Error,
        "The disk of {Folder} has {MiB} MiB left. When it is full the embedded Redis stores nothing, publishes are refused with 503, and it is restarted until there is room: make room, or name another folder with {Section}:{Setting}.")]
    private partial void LogLow(string folder, long mib, string section, string setting);

    [LoggerMessage(LogLevel.Information, "The disk of {Folder} has room again.")]
    private partial void LogRoom(string folder);
}
