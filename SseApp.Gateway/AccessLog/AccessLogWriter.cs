using System.Buffers;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.Gateway.AccessLog;

/// <summary>
/// Writes the access log beside the requests. ASP.NET's W3CLogger is not used: its fields are fixed, it knows neither
/// events nor replicas, and it loses lines without saying so.
/// </summary>
internal sealed partial class AccessLogWriter : BackgroundService
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_reportEvery = TimeSpan.FromSeconds(10);

    private readonly Channel<AccessLogEntry> _queue;
    private readonly AccessLogOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<AccessLogWriter> _logger;
    private readonly Counter<long> _droppedTotal;
    private readonly ArrayBufferWriter<byte> _lines = new(64 * 1024);
    private Stream? _output;
    private long _dropped;
    private long? _reportedAt;
    private long? _failedAt;

    public AccessLogWriter(IOptions<AccessLogOptions> options, SseMeter meter, TimeProvider time, ILogger<AccessLogWriter> logger)
    {
        _options = options.Value;
        _time = time;
        _logger = logger;
        _queue = Channel.CreateBounded<AccessLogEntry>(new BoundedChannelOptions(_options.QueueLines) { SingleReader = true });
        _droppedTotal = meter.Meter.CreateCounter<long>(
            MetricNames.GatewayAccessLogDropped, description: "Lines of the access log that were lost because it could not be written fast enough.");
    }

    /// <summary>Opens the file to append to it.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static FileStream Open(string path)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (FileStatus.IsPipeWithoutReader(path))
        {
            // Opening it would wait for one, and the start of the gateway with it.
            throw new IOException("it is a named pipe that nobody reads.");
        }

        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);
    }

    public override void Dispose()
    {
        CloseOutput();
        base.Dispose();
    }

    /// <summary>Queues a line; never waits.</summary>
    public void Write(AccessLogEntry entry)
    {
        if (!_queue.Writer.TryWrite(entry))
        {
            Drop(1);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // The server has stopped before, so all requests have their lines in the queue.
        _queue.Writer.TryComplete();
        if (ExecuteTask is { } writing)
        {
            await writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _droppedTotal.Begin();
        await using var json = new Utf8JsonWriter(_lines, AccessLogJsonContext.WriterOptions);
        while (await _queue.Reader.WaitToReadAsync(stoppingToken))
        {
            var count = 0;
            while (_lines.WrittenCount < 1024 * 1024 && _queue.Reader.TryRead(out var entry))
            {
                json.Reset();
                JsonSerializer.Serialize(json, entry, AccessLogJsonContext.Default.AccessLogEntry);
                json.Flush();
                _lines.Write("\n"u8);
                count++;
            }

            if (!await TryWriteAsync(stoppingToken))
            {
                Drop(count);
            }

            _lines.ResetWrittenCount();
            ReportDropped();
        }
    }

    private async ValueTask<bool> TryWriteAsync(CancellationToken cancellationToken)
    {
        if (_failedAt is { } failed && _time.GetElapsedTime(failed) < s_retry)
        {
            return false;
        }

        try
        {
            if (_output is FileStream { CanSeek: true } file && WasReplaced(file))
            {
                CloseOutput();
            }

            _output ??= string.IsNullOrWhiteSpace(_options.File) ? System.Console.OpenStandardOutput() : Open(_options.File);
            await _output.WriteAsync(_lines.WrittenMemory, cancellationToken);
            await _output.FlushAsync(cancellationToken);
            _failedAt = null;
            return true;
        }
        // The last is the platform's for a file that would be larger than the process may make it (ulimit -f).
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            CloseOutput();
            _failedAt = _time.GetTimestamp();
            LogNotWritten(_options.File ?? "standard output", s_retry.TotalSeconds, exception.Message);
            return false;
        }
    }

    // Moved, deleted, or moved and begun anew (logrotate's create): what is written further would go to the old file. Emptied
    // in place (its copytruncate): it would go behind a hole.
    private static bool WasReplaced(FileStream file) => new FileInfo(file.Name) is var now && (!now.Exists || now.Length != file.Position);

    private void CloseOutput()
    {
        _output?.Dispose();
        _output = null;
    }

    private void Drop(long lines)
    {
        Interlocked.Add(ref _dropped, lines);
        _droppedTotal.Add(lines);
    }

    private void ReportDropped()
    {
        if (Volatile.Read(ref _dropped) == 0 || (_reportedAt is { } reported && _time.GetElapsedTime(reported) < s_reportEvery))
        {
            return;
        }

        _reportedAt = _time.GetTimestamp();
        LogDropped(Interlocked.Exchange(ref _dropped, 0), _options.QueueLines);
    }

    [LoggerMessage(LogLevel.Warning, "The access log lost {Lines} lines: more came than could be written. Log to a faster disk, or raise AccessLog:QueueLines ({QueueLines}).")]
    private partial void LogDropped(long lines, int queueLines);

    [LoggerMessage(LogLevel.Error, "The access log {Target} cannot be written: {Error} The next attempt is in {Seconds} s; the lines until then are lost. Free space on the disk or choose another AccessLog:File.")]
    private partial void LogNotWritten(string target, double seconds, string error);
}
