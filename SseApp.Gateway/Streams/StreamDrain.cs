using SseApp.Gateway.Balancing;

namespace SseApp.Gateway.Streams;

/// <summary>
/// Ends the forwarded streams when the gateway stops: not all in one moment, but spread over the drain window. Streams
/// share a few hundred moments, which costs less than a timer for each.
/// </summary>
internal sealed partial class StreamDrain(
    IHostApplicationLifetime lifetime, LoadLedger ledger, IOptions<DrainOptions> options, TimeProvider time, ILogger<StreamDrain> logger)
    : DrainOnStop(options, time, logger), IDisposable
{
    private const int Moments = 256;

    private readonly CancellationTokenSource[] _moments = [.. Enumerable.Range(0, Moments).Select(_ => new CancellationTokenSource())];
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private uint _next;

    protected override long Streams => ledger.Streams().Sum(streams => streams.Value);

    /// <summary>Cancelled when a stream that begins now is to end; at once when the gateway is stopping already.</summary>
    public CancellationToken NextEnd() => lifetime.ApplicationStopping.IsCancellationRequested
        ? lifetime.ApplicationStopping
        : _moments[Interlocked.Increment(ref _next) % Moments].Token;

    public void Dispose() => Array.ForEach(_moments, moment => moment.Dispose());

    protected override async Task EndStreamsAsync(CancellationToken cancellationToken)
    {
        // A host that is stopped without a signal comes here first; requests from now on must know.
        lifetime.StopApplication();
        var started = _time.GetTimestamp();
        if (Streams > 0)
        {
            LogBegun(Streams, Window.TotalSeconds);
        }

        for (var moment = 0; moment < Moments && Streams > 0 && !cancellationToken.IsCancellationRequested; moment++)
        {
            var wait = (Window * (moment + 1) / Moments) - _time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _time, CancellationToken.None);
            }

            await _moments[moment].CancelAsync();
        }

        // Those that began in the very moment of the stop, and those whose last bytes are still under way.
        await Task.WhenAll(_moments.Select(moment => moment.CancelAsync()));
    }

    [LoggerMessage(LogLevel.Information, "Draining: {Streams} streams end within {Seconds:0.#} s.")]
    private partial void LogBegun(long streams, double seconds);
}
