using Microsoft.Extensions.Options;
using SseApp.Gateway.Balancing;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Gateway.Streams;

/// <summary>
/// Ends the forwarded streams when the gateway stops: not all in one moment, but spread over the drain window, while the
/// server still listens. Streams share a few hundred moments, which costs less than a timer for each.
/// </summary>
internal sealed partial class StreamDrain : IHostedLifecycleService, IDisposable
{
    private const int Moments = 256;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource[] _moments = [.. Enumerable.Range(0, Moments).Select(_ => new CancellationTokenSource())];
    private readonly IHostApplicationLifetime _lifetime;
    private readonly LoadLedger _ledger;
    private readonly TimeSpan _window;
    private readonly TimeProvider _time;
    private readonly ILogger<StreamDrain> _logger;
    private uint _next;

    public StreamDrain(
        IHostApplicationLifetime lifetime, LoadLedger ledger, IOptions<DrainOptions> options, TimeProvider time, ILogger<StreamDrain> logger)
    {
        _lifetime = lifetime;
        _ledger = ledger;
        _window = options.Value.Window;
        _time = time;
        _logger = logger;
    }

    /// <summary>Cancelled when a stream that begins now is to end; at once when the gateway is stopping already.</summary>
    public CancellationToken NextEnd() => _lifetime.ApplicationStopping.IsCancellationRequested
        ? _lifetime.ApplicationStopping
        : _moments[Interlocked.Increment(ref _next) % Moments].Token;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host that is stopped without a signal comes here first; requests from now on must know.
        _lifetime.StopApplication();
        var started = _time.GetTimestamp();
        var streams = Streams();
        if (streams > 0)
        {
            LogBegun(streams, _window.TotalSeconds);
        }

        for (var moment = 0; moment < Moments && Streams() > 0 && !cancellationToken.IsCancellationRequested; moment++)
        {
            var wait = (_window * (moment + 1) / Moments) - _time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _time, CancellationToken.None);
            }

            await _moments[moment].CancelAsync();
        }

        // Those that began in the very moment of the stop, and those whose last bytes are still under way.
        await Task.WhenAll(_moments.Select(moment => moment.CancelAsync()));
        while (Streams() > 0 && _time.GetElapsedTime(started) < _window + s_grace && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_poll, _time, CancellationToken.None);
        }

        if (streams > 0)
        {
            LogDrained(streams, _time.GetElapsedTime(started).TotalSeconds, Streams());
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => Array.ForEach(_moments, moment => moment.Dispose());

    private int Streams() => _ledger.Streams().Sum(streams => streams.Value);

    [LoggerMessage(LogLevel.Information, "Draining: {Streams} streams end within {Seconds:0.#} s.")]
    private partial void LogBegun(int streams, double seconds);

    [LoggerMessage(LogLevel.Information, "Drained {Streams} streams in {Seconds:0.0} s; {Left} left.")]
    private partial void LogDrained(int streams, double seconds, int left);
}
