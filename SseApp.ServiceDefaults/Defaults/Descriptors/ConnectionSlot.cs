using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>A client's connection, which is one descriptor. A feature of the connection and of each of its requests.</summary>
internal sealed class ConnectionSlot(ConnectionContext connection, IPeerLimit? peers) : IFirstAnswer
{
    // Milliseconds that one is left alone on which nothing has come, that waits for the rest of a request or for the next one,
    // and that has something to read, or does not say.
    private const long MinSilence = 500;
    private const long MinIdle = 1_000;
    private const long MinUnread = 5_000;
    private const long SilentFirst = 1L << 40;

    private int _requests;
    private int _streams;
    private long _idleSince = Environment.TickCount64;
    private volatile bool _served;
    private volatile bool _closed;
    private bool _asked;
    private AcceptGate? _place;

    /// <summary>Neighbours in the list of the <see cref="DescriptorBudget"/>, which guards them.</summary>
    public ConnectionSlot? Previous { get; set; }

    public ConnectionSlot? Next { get; set; }

    /// <summary>Whether the budget counts it; the budget guards this, too.</summary>
    public bool IsCounted { get; set; }

    /// <summary>It was seen to close; a client that only says no more may still have a request.</summary>
    public bool IsClosed => _closed;

    /// <summary>It is in use: it is open, or a request of it is.</summary>
    public bool IsUsed => !_closed || Volatile.Read(ref _requests) > 0;

    /// <summary>It has had a request.</summary>
    public bool HasServed => _served || Volatile.Read(ref _requests) > 0;

    /// <summary>Milliseconds since its last request ended, or since it was accepted; null while it has a request.</summary>
    public long? IdleFor => Volatile.Read(ref _requests) == 0 ? Environment.TickCount64 - Volatile.Read(ref _idleSince) : null;

    /// <summary>It has a place among those that have not been answered.</summary>
    public bool HasPlace => Volatile.Read(ref _place) is not null;

    /// <summary>Its client has sent nothing that is not read, and no request that is not answered.</summary>
    public bool WaitsForClient() => Volatile.Read(ref _requests) == 0 && connection.Features.Get<ClientConnection>()?.ReceivedAndRead() is not null;

    /// <summary>What a request over it found out that may hold for the next one; whoever sets it reads it. Several at a time may, on HTTP/2.</summary>
    public object? Known { get; set; }

    /// <summary>It is told of the first answer from here on.</summary>
    public void TakePlace(AcceptGate gate)
    {
        Volatile.Write(ref _place, gate);
        connection.Features.Set<IFirstAnswer>(this);
    }

    /// <summary>Gives its place back, if it has one.</summary>
    public void OnFirstAnswer()
    {
        if (HasPlace)
        {
            Interlocked.Exchange(ref _place, null)?.Leave();
        }
    }

    /// <summary>
    /// Whether it may be closed while descriptors are short, and in which turn: null is no, and the highest is first. Silent ones come
    /// first, those on which nothing has come; a probe that waits in the system's queue behind hundreds of them must be answered
    /// before it counts as failed. A first request that has come and not been read yet is no silence: when thousands connect at
    /// once, that takes seconds.
    /// </summary>
    public long? Turn()
    {
        if (IdleFor is not { } milliseconds || milliseconds < MinSilence)
        {
            return null;
        }

        if (_served)
        {
            return milliseconds >= MinIdle ? milliseconds : null;
        }

        return connection.Features.Get<ClientConnection>()?.ReceivedAndRead() switch
        {
            0 => milliseconds + SilentFirst,
            > 0 when milliseconds >= MinIdle => milliseconds,
            _ when milliseconds >= MinUnread => milliseconds,
            _ => null,
        };
    }

    public void Begin() => Interlocked.Increment(ref _requests);

    public void End()
    {
        _served = true;
        Volatile.Write(ref _idleSince, Environment.TickCount64);
        Interlocked.Decrement(ref _requests);
    }

    public void Close()
    {
        _closed = true;
        Interlocked.MemoryBarrier();
        OnFirstAnswer();
    }

    /// <summary>Tells who counts connections by client that this one is there, or there no more.</summary>
    public void Report(bool there)
    {
        if (there)
        {
            peers?.Return(connection);
        }
        else
        {
            peers?.Leave(connection);
        }
    }

    /// <returns>True for the first stream on it; further ones (HTTP/2) need no descriptor.</returns>
    public bool AddStream() => Interlocked.Increment(ref _streams) == 1;

    /// <returns>True for the last stream on it.</returns>
    public bool RemoveStream() => Interlocked.Decrement(ref _streams) == 0;

    /// <summary>No further request: its answer says so, and after it the connection ends.</summary>
    public void CloseAfterRequest() => connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

    /// <summary>Ends it while nothing happens on it: cleanly, and when that does not help, the hard way.</summary>
    public void CloseIdle()
    {
        if (!_asked)
        {
            _asked = true;
            CloseAfterRequest();
            return;
        }

        connection.Abort(new ConnectionAbortedException("The process needs the descriptor of this idle connection."));
    }
}
