namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Drains when the host stops. The wait is in StoppingAsync, before any service stops: the server still listens, so a
/// late client gets <c>stream.unavailable</c> instead of a refused connection.
/// </summary>
internal abstract partial class DrainOnStop(IOptions<DrainOptions> options, TimeProvider time, ILogger logger) : IHostedLifecycleService
{
    /// <summary>What the last streams may take beyond the window until their last bytes are sent.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(25);

    /// <summary>Streams open now.</summary>
    protected abstract long Streams { get; }

    protected TimeSpan Window => options.Value.Window;

    /// <summary>Begins to end the streams; may take as long as the window.</summary>
    protected abstract Task EndStreamsAsync(CancellationToken cancellationToken);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var streams = Streams;
        await EndStreamsAsync(cancellationToken);
        while (Streams > 0 && time.GetElapsedTime(started) < Window + Grace && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_poll, time, CancellationToken.None);
        }

        LogDrained(logger, streams, time.GetElapsedTime(started).TotalSeconds, Streams);
    }

    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "Drained {Streams} streams in {Seconds:0.0} s; {Left} left.")]
    private static partial void LogDrained(ILogger logger, long streams, double seconds, long left);
}
