using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

/// <summary>
/// One publish that streams: reads lines and sends each on its way, and writes the results in the order of the lines, at the same time. What is
/// between the two is bounded, so that it stops reading when Redis is slow, or when the client does not read.
/// Whatever ends it, what was read is answered first; then comes a line that says why.
/// </summary>
internal sealed class PublishStream(
    StreamInput input,
    Func<ResultLines, PublishSettled, bool, ValueTask> write,
    Principal principal,
    string client,
    MemoryShare memory,
    PublishStreamServices services,
    Action abort) : IDisposable
{
    /// <summary>What a stream holds beside what is on its way.</summary>
    public const int OwnBytes = 16 * 1024;

    // A write of results; more of them wait for the next one.
    private const int WriteBytes = 16 * 1024;
    private const int FirstBytes = 4 * 1024;

    // A gateway sends no more before it knows that so much was taken.
    private const int NoteBytes = PublishFrame.Window / 4;

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly PublishingOptions _options = services.Options;
    private readonly TimeProvider _time = services.Time;
    private readonly LineSplitter _splitter = new(BatchItemReader.MaxBytes(services.Options.MaxEventBytes), memory);
    private readonly ItemEncoder _encoder = new(services.Options, services.Publisher, memory);
    private readonly StreamRoom _room = new(services.Options.MaxStreamEvents, services.Options.MaxStreamBytes);
    private readonly ResultLines _lines = new(FirstBytes);
    private readonly Channel<Pending> _pending = Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private StreamEnd? _ending;
    private volatile bool _gone;
    private volatile bool _reading;
    private volatile bool _partial;
    private long _heardAt;
    private long _partialSince;
    private long _writingSince;

    // Of the body, what was read, and what the writer knows of.
    private long _read;
    private long _noted;
    private long _settled;
    private long _stored;
    private long _failed;
    private Written _unwritten;

    /// <summary>Runs until the body ends, or something else ends the stream.</summary>
    /// <param name="begin">Sends the head of the response.</param>
    public async Task RunAsync(Func<ValueTask> begin)
    {
        // The request's span would have one of its own for each event, for hours.
        Activity.Current = null;
        _heardAt = _time.GetTimestamp();
        await using var timer = _time.CreateTimer(static stream => ((PublishStream)stream!).Tick(), this, s_tick, s_tick);
        var change = services.Drain.NextChange;
        await using var draining = change.UnsafeRegister(static stream => ((PublishStream)stream!).Drain(), this);
        if (services.Drain.IsDraining)
        {
            Drain();
        }

        // It asks for the body, which some clients wait for, before the head says that the answer has begun.
        var reading = ReadAsync();
        await TryAsync(begin());
        var writing = WriteAsync();
        StreamEnd end;
        try
        {
            end = await reading;
        }
        finally
        {
            _pending.Writer.Complete();
            await writing;
        }

        _lines.Add(end, _stored, _failed);
        await FlushAsync(last: true);
    }

    public void Dispose()
    {
        _splitter.Dispose();
        _encoder.Dispose();
        _lines.Dispose();
    }

    /// <summary>Reads no more; what was read is answered.</summary>
    private void End(StreamEnd end)
    {
        if (Interlocked.CompareExchange(ref _ending, end, null) is null)
        {
            input.Cancel();
            _room.Wake();
        }
    }

    private void Drain() => End(StreamEnd.Later(PublishStreamEnd.Draining, "The replica shuts down. Lines without a result were not stored; send them again, on another stream."));

    private void Gone()
    {
        _gone = true;
        End(StreamEnd.Complete);
    }

    private void Tick()
    {
        var (idle, now) = (_options.StreamIdleTimeout, _time.GetTimestamp());
        if (Interlocked.Read(ref _writingSince) is > 0 and var since && _time.GetElapsedTime(since, now) > idle)
        {
            // It takes no results.
            abort();
        }

        if (!_reading || !_room.IsEmpty)
        {
            return;
        }

        if (_partial && _time.GetElapsedTime(Interlocked.Read(ref _partialSince), now) > _options.BodyTimeout)
        {
            services.Publisher.CountTooSlow();
            End(new StreamEnd(PublishStreamEnd.TooSlow, "A line did not come to its end within Publishing:BodyTimeout. It was not stored."));
        }
        else if (_time.GetElapsedTime(Interlocked.Read(ref _heardAt), now) > idle)
        {
            End(new StreamEnd(PublishStreamEnd.Idle, "Nothing came within Publishing:StreamIdleTimeout. An empty line keeps a stream open."));
        }
    }

    private async Task<StreamEnd> ReadAsync()
    {
        var held = false;
        try
        {
            while (true)
            {
                _reading = true;
                var piece = await input.ReadAsync();
                held = true;
                _reading = false;
                if (Volatile.Read(ref _ending) is { } ending)
                {
                    return ending;
                }

                Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());
                if (await TakeAsync(piece.Bytes) is { } ended)
                {
                    return ended;
                }

                if (piece.End is { } end)
                {
                    return await FinishAsync(end);
                }

                input.Advance();
                held = false;
                NotePart();
                if (_read - _noted >= NoteBytes)
                {
                    // Empty lines, or a part of a long one.
                    Queue(new Pending(null, new Written(0, 0, 0, _read)));
                }
            }
        }
        catch (BadHttpRequestException exception)
        {
            return new StreamEnd(PublishStreamEnd.Broken, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            Gone();
            return StreamEnd.Complete;
        }
        finally
        {
            _reading = false;
            if (held)
            {
                // The server reads what is left of the body, and cannot while somebody else does.
                input.Advance();
            }
        }
    }

    private void NotePart()
    {
        if (_splitter.HasPart && !_partial)
        {
            Interlocked.Exchange(ref _partialSince, _time.GetTimestamp());
        }

        _partial = _splitter.HasPart;
    }

    /// <returns>Why no more is read, or null.</returns>
    private async ValueTask<StreamEnd?> TakeAsync(ReadOnlySequence<byte> rest)
    {
        while (true)
        {
            var left = rest.Length;
            var found = _splitter.Next(ref rest, out var line);
            _read += left - rest.Length;
            if (found == FoundLine.None)
            {
                return null;
            }

            // Until a line has ended its time has begun anew.
            _partial = false;
            if ((found == FoundLine.NoMemory ? await WaitForMemoryAsync() : await PublishAsync(found, line)) is { } end)
            {
                return end;
            }
        }
    }

    private async ValueTask<StreamEnd> FinishAsync(string reason)
    {
        if (reason != PublishStreamEnd.Complete)
        {
            return StreamEnd.Later(reason, "Lines without a result were not stored; send them again, on another stream.");
        }

        var found = _splitter.Finish(out var line);
        return (found == FoundLine.None ? null : await PublishAsync(found, line)) ?? StreamEnd.Complete;
    }

    /// <returns>Why no more is read, or null.</returns>
    private async ValueTask<StreamEnd?> PublishAsync(FoundLine found, ReadOnlyMemory<byte> line)
    {
        // Bodies of hours outlive credentials.
        if (services.Credentials.VerifyAgain(principal) is { Reason: { } reason })
        {
            return new StreamEnd(reason, "The credential counts no more. Lines without a result were not stored; send them again with another one.");
        }

        BatchEntry? entry;
        long cost;
        while (!TryEncode(found, line, out entry, out cost))
        {
            if (await WaitForMemoryAsync() is { } busy)
            {
                return busy;
            }
        }

        var (events, bytes) = (Math.Max(1, entry.Topics.Length), (long)entry.Block.Length * entry.Topics.Length);
        while (!_room.TryTake(events, bytes, out var freed))
        {
            await freed;
            if (Volatile.Read(ref _ending) is { } ending)
            {
                return ending;
            }
        }

        var publish = entry.Rejected is null ? services.Items.Start(entry, principal, client) : new ItemPublish(entry, []);
        Queue(new Pending(publish, new Written(events, bytes, cost, _read)));
        return null;
    }

    private void Queue(in Pending pending)
    {
        _noted = _read;
        _pending.Writer.TryWrite(pending);
    }

    /// <returns>False when there is no memory for it.</returns>
    private bool TryEncode(FoundLine found, ReadOnlyMemory<byte> line, [NotNullWhen(true)] out BatchEntry? entry, out long cost)
    {
        (entry, cost) = (null, ItemEncoder.BytesOfItem);
        BrokenRule? broken = null;
        if (found == FoundLine.TooLong)
        {
            broken = _encoder.TooLarge;
        }
        else if (_encoder.Read(line.Span) is { } rule)
        {
            broken = new BrokenRule(StatusCodes.Status400BadRequest, rule);
        }
        else if (!_encoder.TryPrepare(line, out broken))
        {
            return IsHopeless(ref entry, ref cost);
        }

        cost += broken is null ? _encoder.Cost : 0;
        if (!memory.TryTake(cost))
        {
            return IsHopeless(ref entry, ref cost);
        }

        entry = broken is null ? _encoder.Encode() : BatchEntry.OfBroken(broken, 0);
        return true;
    }

    // It would wait for ever.
    private bool IsHopeless(ref BatchEntry? entry, ref long cost)
    {
        if (!memory.IsHopeless || !_room.IsEmpty)
        {
            return false;
        }

        (entry, cost) = (BatchEntry.OfBroken(new BrokenRule(StatusCodes.Status413PayloadTooLarge, EventPublisher.MemoryRule), 0), 0);
        return true;
    }

    private async ValueTask<StreamEnd?> WaitForMemoryAsync()
    {
        if (_room.TryWait(out var freed))
        {
            await freed;
            return Volatile.Read(ref _ending);
        }

        services.Publisher.CountBusy();
        return StreamEnd.Later(PublishStreamEnd.Busy, "Other requests hold all the memory that this replica has for them (Memory:RequestBudget). Lines without a result were not stored; send them again, on another stream.");
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await _pending.Reader.WaitToReadAsync())
            {
                while (_pending.Reader.TryRead(out var pending))
                {
                    if (pending.Publish is { IsAnswered: false })
                    {
                        // The client gets what is there.
                        await FlushAsync(last: false);
                    }

                    await AddAsync(pending.Publish, pending.Size);
                    if (_lines.Length >= WriteBytes)
                    {
                        await FlushAsync(last: false);
                    }
                }

                await FlushAsync(last: false);
            }
        }
        catch
        {
            // Who reads would wait for room for ever.
            End(new StreamEnd(PublishStreamEnd.Failed));
            throw;
        }
    }

    private async ValueTask AddAsync(ItemPublish? publish, Written size)
    {
        if (publish is null)
        {
            _unwritten = _unwritten.And(size, 0, 0);
            return;
        }

        var (entry, line) = (publish.Entry, _stored + _failed + 1);
        var charged = 1L;
        if (publish is { Refused: null, Tasks: [{ IsCompletedSuccessfully: true } only] })
        {
            var stored = await only;
            services.Publisher.Count(entry.Topics[0], stored);
            _lines.AddStored(line, entry.Topics[0], stored);
            _stored++;
            charged = stored.Repeated ? 0 : 1;
        }
        else
        {
            var (result, _) = await services.Items.FinishAsync(0, publish);
            _lines.Add(line, result);
            (_stored, _failed) = result.Error is null ? (_stored + 1, _failed) : (_stored, _failed + 1);
            charged = result.Error is null ? result.Stored : Math.Max(1, result.Stored);
            if (result.Status == StatusCodes.Status503ServiceUnavailable)
            {
                // What comes later would overtake this one, which its client sends again.
                End(StreamEnd.Later(PublishStreamEnd.Redis, "Redis could not take a line. Send lines whose result is 503, and those without a result, again, on another stream."));
            }
        }

        _unwritten = _unwritten.And(size, charged, charged * entry.Block.Length);
    }

    private async ValueTask FlushAsync(bool last)
    {
        var written = _unwritten;
        if (_lines.Length == 0 && written.Read == _settled)
        {
            return;
        }

        if (!_gone)
        {
            Interlocked.Exchange(ref _writingSince, Math.Max(_time.GetTimestamp(), 1));
            await TryAsync(write(_lines, new PublishSettled(written.Read, written.Charged, written.ChargedBytes), last));
            Interlocked.Exchange(ref _writingSince, 0);
            Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());
        }

        _settled = written.Read;
        _unwritten = new Written(0, 0, 0, written.Read);
        _lines.Clear();
        memory.Return(written.Cost);
        _room.Return(written.Events, written.Bytes);
    }

    private async ValueTask TryAsync(ValueTask sending)
    {
        try
        {
            await sending;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            Gone();
        }
    }

    /// <summary>A line on its way; without one, a part of the body that has no result.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Pending(ItemPublish? Publish, Written Size);

    /// <summary>What lines take until their results are written, and what they are charged for.</summary>
    /// <param name="Events">In the room.</param>
    /// <param name="Bytes">In the room.</param>
    /// <param name="Cost">Of memory.</param>
    /// <param name="Read">Bytes of the body up to them.</param>
    /// <param name="Charged">Events that their client pays for.</param>
    /// <param name="ChargedBytes">Bytes that it pays for.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Written(long Events, long Bytes, long Cost, long Read, long Charged = 0, long ChargedBytes = 0)
    {
        public Written And(in Written more, long charged, long chargedBytes) =>
            new(Events + more.Events, Bytes + more.Bytes, Cost + more.Cost, more.Read, Charged + charged, ChargedBytes + chargedBytes);
    }
}
