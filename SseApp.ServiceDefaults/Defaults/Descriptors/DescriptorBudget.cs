using Microsoft.AspNetCore.Connections;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Divides the descriptors of the process. Connections, streams and forwarded requests are counted as they come and go;
/// everything else is what <see cref="Sample"/> finds open beyond them. A process without descriptors cannot load a library,
/// at which the runtime ends it; so each kind of use stops before one that is more important: streams, connections,
/// the requests that are forwarded for them, and the connections by which a probe or an operator still gets through.
/// </summary>
internal sealed class DescriptorBudget
{
    private const long EvictInterval = 100;
    private const int SamplesOfPeak = 60;
    private const int MinSpare = 32;

    private readonly DescriptorSource _source;
    private readonly DescriptorOptions _options;
    private readonly Lock _gate = new();
    private ConnectionSlot? _first;
    private int _connections;
    private int _streams;
    private int _forwards;
    private int _peakForwards;
    private int _others;
    private int _knownOthers;
    private int _samples;
    private long _nextEviction;
    private Bounds? _bounds;

    public DescriptorBudget(DescriptorSource source, IOptions<DescriptorOptions> options, SseMeter meter)
    {
        _source = source;
        _options = options.Value;
        Sample();
        if (IsLimited)
        {
            meter.Meter.CreateObservableGauge(MetricNames.OpenDescriptors, () => Open, description: "File descriptors in use.");
            meter.Meter.CreateObservableGauge(MetricNames.DescriptorLimit, () => Limit, description: "File descriptors that the process may use.");
        }
    }

    /// <summary>False where the system does not say how many there may be.</summary>
    public bool IsLimited => _bounds is not null;

    /// <summary>Most descriptors that the process may use.</summary>
    public int Limit => _bounds?.Limit ?? int.MaxValue;

    /// <summary>Descriptors in use.</summary>
    public int Open => Volatile.Read(ref _others) + Volatile.Read(ref _connections) + Forwards;

    /// <summary>Clients' connections.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Descriptors that streams may use, their own connections and what they are forwarded over.</summary>
    public int ForStreams => (_bounds?.Streams ?? int.MaxValue) - Volatile.Read(ref _others);

    /// <summary>So many are in use that no stream would be opened if all were streams: idle connections are closed.</summary>
    public bool IsTight => _bounds is { } bounds && Open >= bounds.Streams;

    /// <summary>False: the next client has to wait in the system's queue.</summary>
    public bool HasRoomForConnection => _bounds is not { } bounds || Open < bounds.Connections;

    /// <summary>False: not even one that has waited may be accepted.</summary>
    public bool HasRoomForProbe => _bounds is not { } bounds || Open < bounds.Probes;

    // Connections of forwarded requests are kept for the next ones for a while.
    private int Forwards => Math.Max(Volatile.Read(ref _forwards), Volatile.Read(ref _peakForwards));

    /// <summary>Asks the system; what is in use without being counted here is known as of now.</summary>
    public void Sample()
    {
        if (_source.Read() is not { } reading)
        {
            return;
        }

        if (++_samples % SamplesOfPeak == 0)
        {
            Volatile.Write(ref _peakForwards, Volatile.Read(ref _forwards));
        }

        var others = reading.Open - Volatile.Read(ref _connections) - Forwards;
        if (Volatile.Read(ref _forwards) >= Volatile.Read(ref _peakForwards))
        {
            _knownOthers = others;
        }

        // Forwarded requests that have ended may have closed their connections, which the next ones open again before the next look.
        Volatile.Write(ref _others, Math.Max(others, _knownOthers));
        if (_bounds?.Limit != reading.Limit)
        {
            var reserve = _options.ReserveOf(reading.Limit);
            // What nobody asked for, between two samples: libraries, probes of replicas, settings that are read again.
            var spare = Math.Min(Math.Max(reserve / 8, MinSpare), reserve / 2);
            var (streams, room) = (reading.Limit - reserve, reserve - spare);
            _bounds = new Bounds(reading.Limit, streams, streams + (room / 2), streams + (room * 3 / 4), streams + room);
        }

        if (IsTight)
        {
            EndIdleConnections();
        }
    }

    /// <summary>Counts a connection until it is closed, and its last request has ended.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="peers">Who has counted it by client and has to know as well.</param>
    public ConnectionSlot Accepted(ConnectionContext connection, IPeerLimit? peers = null)
    {
        var slot = new ConnectionSlot(connection, peers);
        lock (_gate)
        {
            Add(slot);
        }

        connection.Features.Set(slot);
        connection.ConnectionClosed.UnsafeRegister(static state => ((Closing)state!).Budget.Closed(((Closing)state).Slot), new Closing(this, slot));
        if (IsTight)
        {
            EndIdleConnections();
        }

        return slot;
    }

    /// <summary>A request of the connection begins.</summary>
    public void Begin(ConnectionSlot slot)
    {
        slot.Begin();
        if (slot.IsClosed)
        {
            Recount(slot);
        }
    }

    /// <summary>A request of the connection has ended.</summary>
    public void End(ConnectionSlot slot)
    {
        slot.End();
        if (slot.IsClosed)
        {
            Recount(slot);
        }
    }

    /// <returns>False, and nothing counted, when the descriptors that streams may use are in use.</returns>
    public bool TryEnterStream(HttpContext context)
    {
        // A relayed stream has none of its own.
        if (context.Features.Get<ConnectionSlot>() is not { } slot || !slot.AddStream())
        {
            return true;
        }

        if (Interlocked.Increment(ref _streams) + Forwards <= ForStreams)
        {
            return true;
        }

        LeaveStream(context);
        return false;
    }

    public void LeaveStream(HttpContext context)
    {
        if (context.Features.Get<ConnectionSlot>()?.RemoveStream() == true)
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    /// <summary>Takes a descriptor for the connection that a request is forwarded over.</summary>
    /// <param name="stream">It is a stream, and is kept as long.</param>
    /// <returns>False, and nothing taken, when there is none left for this.</returns>
    public bool TryForward(bool stream)
    {
        var forwards = Interlocked.Increment(ref _forwards);
        if (_bounds is { } bounds
            && forwards > Volatile.Read(ref _peakForwards)
            && ((stream && Volatile.Read(ref _streams) + forwards > ForStreams)
                || Volatile.Read(ref _others) + Volatile.Read(ref _connections) + forwards > bounds.Forwards))
        {
            EndForward();
            return false;
        }

        // Another thread's higher one may be lost; the next sample counts it among the others.
        if (forwards > Volatile.Read(ref _peakForwards))
        {
            Volatile.Write(ref _peakForwards, forwards);
        }

        return true;
    }

    public void EndForward() => Interlocked.Decrement(ref _forwards);

    /// <summary>Closes connections without a request, so that those who have one are served: first those that never said anything, then the longest idle ones, as many as needed.</summary>
    public void EndIdleConnections()
    {
        var now = Environment.TickCount64;
        var due = Volatile.Read(ref _nextEviction);
        if (now < due || Interlocked.CompareExchange(ref _nextEviction, now + EvictInterval, due) != due)
        {
            return;
        }

        var needed = Open - (_bounds?.Streams ?? int.MaxValue);
        var idle = new PriorityQueue<ConnectionSlot, long>();
        lock (_gate)
        {
            for (var slot = _first; slot is not null; slot = slot.Next)
            {
                if (slot.Turn() is { } turn)
                {
                    idle.Enqueue(slot, -turn);
                }
            }
        }

        while (needed-- > 0 && idle.TryDequeue(out var slot, out _))
        {
            slot.CloseIdle();
        }
    }

    private void Closed(ConnectionSlot slot)
    {
        slot.Close();
        Recount(slot);
    }

    // A client that half-closes its connection seems to have closed it; with a request it keeps its descriptor.
    private void Recount(ConnectionSlot slot)
    {
        lock (_gate)
        {
            var used = slot.IsUsed;
            if (used == slot.IsCounted)
            {
                return;
            }

            if (used)
            {
                Add(slot);
            }
            else
            {
                Remove(slot);
            }

            slot.Report(used);
        }
    }

    private void Add(ConnectionSlot slot)
    {
        slot.IsCounted = true;
        slot.Next = _first;
        _first?.Previous = slot;
        _first = slot;
        _connections++;
    }

    private void Remove(ConnectionSlot slot)
    {
        slot.IsCounted = false;
        slot.Previous?.Next = slot.Next;
        slot.Next?.Previous = slot.Previous;
        if (_first == slot)
        {
            _first = slot.Next;
        }

        (slot.Previous, slot.Next) = (null, null);
        _connections--;
    }

    private sealed record Closing(DescriptorBudget Budget, ConnectionSlot Slot);

    /// <summary>How many descriptors may be in use before each kind of use stops.</summary>
    private sealed record Bounds(int Limit, int Streams, int Connections, int Forwards, int Probes);
}
