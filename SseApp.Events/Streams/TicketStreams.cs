using System.Collections.Concurrent;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Streams;

/// <summary>
/// The streams of this replica that have tickets. Each says every few seconds that it is there: a ticket whose replica has died can be
/// used again, and one that another stream has by now loses its old one even if nobody heard the announcement.
/// </summary>
internal sealed partial class TicketStreams(TicketStore store, IOptions<TicketsOptions> options, TimeProvider time, ILogger<TicketStreams> logger) : BackgroundService
{
    private static readonly TimeSpan s_touch = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, TicketStream> _open = new(StringComparer.Ordinal);
    private readonly TimeSpan _touch = options.Value.ReconnectWindow / 4 < s_touch ? options.Value.ReconnectWindow / 4 : s_touch;
    private bool _failing;

    /// <summary>Takes the ticket for a stream that is about to open; the stream that had it ends.</summary>
    /// <returns>Null, and why, if it may not have it.</returns>
    /// <exception cref="Exception">Redis did not answer; see <see cref="RedisErrors.IsUnavailable"/>.</exception>
    public async Task<(TicketStream? Stream, TicketUse Use)> TakeAsync(Ticket ticket, string? origin, bool comesBack)
    {
        var stream = new TicketStream(ticket);
        // Before it has the ticket: another one may take it from then on.
        _open[stream.Id] = stream;
        TicketUse? use = null;
        try
        {
            use = await store.OpenAsync(ticket, stream.Id, origin, comesBack);
        }
        finally
        {
            if (use is not { Reason: null })
            {
                _open.TryRemove(stream.Id, out _);
            }
        }

        if (use.Reason is not null)
        {
            return (null, use);
        }

        if (use.Replaced is { } replaced && !End(replaced))
        {
            try
            {
                await store.AnnounceAsync(replaced);
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // The stream learns it when it says that it is there.
            }
        }

        return (stream, use);
    }

    /// <summary>The stream is over, or could not be opened after all.</summary>
    public async Task ReturnAsync(TicketStream stream)
    {
        _open.TryRemove(stream.Id, out _);
        try
        {
            await store.CloseAsync(stream.Ticket, stream.Id, stream.WasOpen);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // Then it ended when it last said that it was there.
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(ListenAsync(stoppingToken), TouchAsync(stoppingToken));

    private bool End(string stream)
    {
        if (!_open.TryGetValue(stream, out var open))
        {
            return false;
        }

        open.End();
        return true;
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // The client subscribes again by itself after it has lost its connection.
                await store.SubscribeAsync(stream => End(stream));
                return;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                await Task.Delay(_touch, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task TouchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_touch, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await Parallel.ForEachAsync(_open.Values, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = stoppingToken }, async (stream, _) => await TouchAsync(stream));
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task TouchAsync(TicketStream stream)
    {
        // One that is being opened may not have the ticket yet.
        if (!stream.WasOpen)
        {
            return;
        }

        try
        {
            if (!await store.TouchAsync(stream.Ticket, stream.Id))
            {
                stream.End();
            }

            _failing = false;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // No reason to end what was let in.
            if (!_failing)
            {
                _failing = true;
                LogFailed(exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Debug, "That streams of tickets are there cannot be written to Redis; the next attempt is in some seconds.")]
    private partial void LogFailed(Exception exception);
}

/// <summary>A stream that has a ticket.</summary>
internal sealed class TicketStream(Ticket ticket)
{
    private readonly Lock _gate = new();
    private StreamConnection? _connection;
    private bool _ended;

    /// <summary>Names it in Redis.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("N");

    public Ticket Ticket => ticket;

    /// <summary>False as long as its client has got nothing.</summary>
    public bool WasOpen => Volatile.Read(ref _connection) is not null;

    public void Open(StreamConnection connection)
    {
        bool ended;
        lock (_gate)
        {
            _connection = connection;
            ended = _ended;
        }

        if (ended)
        {
            connection.End(CloseReason.TokenInvalid);
        }
    }

    /// <summary>Another stream has the ticket; from any thread.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
        }

        Volatile.Read(ref _connection)?.End(CloseReason.TokenInvalid);
    }
}
