using System.Text;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>
/// One open stream: what it sends, what waits for a client that does not keep up, and how it ends. Everything but
/// <see cref="Completion"/>, <see cref="Open"/> and <see cref="Leave"/> belongs to the loop of its shard, which also owns
/// the buffers. While idle a stream holds neither buffer nor timer.
/// </summary>
internal sealed class StreamConnection(
    IStreamWriter writer, Shard shard, TopicSet topics, TopicMembers[] memberships, StreamStart[]? starts, byte[] openData)
{
    /// <summary>Bytes of one send: so many that system calls no longer count, so few that a batch stays in the processor's cache.</summary>
    public const int SendThreshold = 64 * 1024;

    private const int ExpiredMinRetry = 1_000;
    private const int ExpiredMaxRetry = 3_000;

    private readonly TaskCompletionSource<string> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private IStreamWriter _writer = writer;

    // Where it begins, until it is a member of all its topics: nothing of it is kept for the hours that a stream lasts.
    private StreamStart[]? _starts = starts;

    // The data of stream.open, until it was sent.
    private byte[]? _openData = openData;

    // What is being replayed, and the next event of it. The stream is no member of the topic at _replaySlot, nor of those
    // after it, yet.
    private LogEntry[]? _replay;
    private int _replayIndex;
    private int _replaySlot;
    private bool _replayRequested;

    // A send is under way: the writer must not be touched. When it began, and when its oldest event was published: 0 for none.
    private bool _sending;
    private long _sentAt;
    private long _oldestInSend;

    private StreamCredential? _credential;

    // Of the credential, in ticks of the system's clock; here, because a visit of the credential would be another miss of the cache.
    private readonly long _expiresAt = long.MaxValue;

    // What it gets is in no number.
    private readonly bool _isCanary = topics.IsCanary;

    private long _heartbeatTicks;
    private bool _finalSent;

    // When to end the stream and why, or to cut it if it is closing already.
    private long _deadline = long.MaxValue;
    private string _deadlineReason = CloseReason.Drain;
    private long _wheelTick;

    /// <summary>Names the stream to its client and to operators.</summary>
    public ulong Id { get; init; }

    /// <summary>Address of the client, for operators.</summary>
    public IPAddress? Client { get; init; }

    /// <summary>What the client was let in with; null: nothing.</summary>
    public StreamCredential? Credential
    {
        get => _credential;
        init
        {
            _credential = value;
            _expiresAt = value?.Principal.ExpiresAt?.UtcTicks ?? long.MaxValue;
        }
    }

    public long OpenedAtMilliseconds { get; init; }

    /// <summary>How its gateway placed it, as <see cref="SheddingPlan"/> wants it; 0: it may not be moved.</summary>
    public ulong PlacementKey { get; init; }

    /// <summary>By how many milliseconds its reconnection time is longer, because it came in a storm.</summary>
    public int RetrySpread { get; init; }

    /// <summary>The loop that owns the connection.</summary>
    public Shard Shard { get; } = shard;

    public TopicSet Topics { get; } = topics;

    /// <summary>Of one topic; kept here, because a visit of the topics would be another miss of the processor's cache.</summary>
    public bool IsSingle { get; } = memberships.Length == 1;

    /// <summary>Its output is shared with others: a send costs hardly anything. Kept here as <see cref="IsSingle"/> is.</summary>
    public bool IsRelayed { get; } = writer is IShardWriter;

    /// <summary>The shard's members of each topic, in the order of <see cref="Topics"/>.</summary>
    public TopicMembers[] Memberships { get; } = memberships;

    /// <summary>The place among each topic's members, or -1.</summary>
    public int[] MemberIndexes { get; } = new int[memberships.Length];

    /// <summary>The last event of each topic that was sent.</summary>
    public Position[] Positions { get; } = new Position[memberships.Length];

    /// <summary>Completes with the <see cref="CloseReason"/> when the shard no longer uses the writer.</summary>
    public Task<string> Completion => _completion.Task;

    /// <summary>The place among the shard's connections; -1 before it joins and after its end.</summary>
    public int ShardIndex { get; private set; } = -1;

    /// <summary>Set when closing began: nothing more is delivered.</summary>
    public string? Closing { get; private set; }

    /// <summary>Events that wait for the end of the send under way; null while there are none.</summary>
    public Backlog? Backlog { get; private set; }

    /// <summary>The client has not taken everything that was sent.</summary>
    public bool IsSending => _sending;

    public bool IsReplaying => _replaySlot < Memberships.Length;

    public bool IsSubscribedTo(string topic) => Array.BinarySearch(Topics.Names, topic, StringComparer.Ordinal) >= 0;

    /// <summary>Hands the stream to its shard; from any thread.</summary>
    public void Open() => Shard.Post(ShardWorkKind.Join, this);

    /// <summary>The client is gone; from any thread.</summary>
    public void Leave() => Shard.Run(() => BeginClose(CloseReason.Client));

    /// <param name="reason">A <see cref="CloseReason"/>; from any thread.</param>
    public void End(string reason) => Shard.Run(() => BeginClose(reason));

    public void Join()
    {
        ShardIndex = Shard.Add(this);
        for (var slot = 0; slot < Memberships.Length; slot++)
        {
            MemberIndexes[slot] = -1;
            Positions[slot] = _starts is null ? Memberships[slot].Head : _starts[slot].Position;
        }

        AppendOpen();
        if (_expiresAt <= Shard.UtcNow || (Credential is { } credential && !Shard.StillCounts(credential)))
        {
            // What was revoked while the stream was being opened was not found among those that are open.
            Send(Shard.Own, 0);
            SetTimes();
            EndIfExpired();
            EndIfRevoked();
            return;
        }

        // What it missed goes out with the first bytes, as far as it is at hand: a send costs more than all else here.
        Pump();
        SetTimes();
    }

    /// <summary>The last connection of the shard takes the place of one that left.</summary>
    public void MoveTo(int shardIndex) => ShardIndex = shardIndex;

    /// <summary>The stream is a member of a topic that is behind, and its turn has come.</summary>
    public void TakeTurn(TopicMembers members, int index)
    {
        EndIfExpired();
        if (IsSingle && !_sending && Closing is null)
        {
            SendShared(members.Take(index));
        }
        else
        {
            SendOwn();
        }
    }

    private void SendShared(ReadOnlySpan<LogEntry> entries)
    {
        while (!entries.IsEmpty && !_sending && Closing is null)
        {
            var shared = Shard.Shared;
            var batch = entries[..shared.Fill(Topics, entries)];
            if (!_isCanary)
            {
                Shard.Counts.Delivered(batch, shared.HasGap);
            }

            entries = entries[batch.Length..];
            Send(shared.Buffer, batch[0].PublishedAtMicroseconds);
            if (Shard.HasTraced)
            {
                Shard.EndTraces(batch);
            }
        }

        foreach (var entry in Closing is null ? entries : [])
        {
            Enqueue(entry, slot: 0);
        }
    }

    /// <summary>A client of several topics, or one that does not keep up, gets at its turn what it lacks of all its topics.</summary>
    private void SendOwn()
    {
        var own = Shard.Own;
        var oldest = 0L;
        own.Clear();
        for (var slot = 0; slot < Memberships.Length && ShardIndex >= 0; slot++)
        {
            if (MemberIndexes[slot] < 0)
            {
                continue;
            }

            foreach (var entry in Memberships[slot].Take(MemberIndexes[slot]))
            {
                if (Closing is not null)
                {
                    break;
                }

                if (_sending)
                {
                    Enqueue(entry, slot);
                    continue;
                }

                Append(entry, slot);
                oldest = oldest == 0 ? entry.PublishedAtMicroseconds : oldest;
                if (own.Length >= SendThreshold)
                {
                    Send(own, oldest);
                    own.Clear();
                    oldest = 0;
                }
            }
        }

        if (own.Length > 0 && !_sending && Closing is null)
        {
            Send(own, oldest);
        }
    }

    private void AppendOpen()
    {
        var own = Shard.Own;
        own.Clear();
        own.Append(": stream open\n"u8);
        own.AppendRetry(Shard.Options.NextRetryMilliseconds(Shard.Spread, RetrySpread));
        own.AppendId(Topics, Positions);
        own.Append("event: stream.open\ndata: "u8);
        own.Append(_openData);
        own.Append("\n\n"u8);
        _openData = null;
    }

    /// <summary>Appends an event to the bytes that only this client gets.</summary>
    private void Append(LogEntry entry, int slot)
    {
        Positions[slot] = entry.Position;
        if (entry.IsTombstone)
        {
            return;
        }

        Shard.Own.AppendId(Topics, Positions);
        Shard.Own.Append(entry.Block.Span);
        if (Shard.HasTraced)
        {
            Shard.EndTraces([entry]);
        }

        if (!_isCanary)
        {
            Shard.Counts.Delivered(entry);
        }
    }

    /// <param name="buffer">At least one byte; no send is under way.</param>
    /// <param name="oldest">When the oldest of the events was published; 0 for none.</param>
    private void Send(SendBuffer buffer, long oldest)
    {
        _sentAt = Shard.Now;
        _oldestInSend = oldest;
        _sending = true;
        ValueTask<bool> send;
        try
        {
            send = _writer.SendAsync(buffer);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            send = ValueTask.FromException<bool>(exception);
        }

        if (send.IsCompletedSuccessfully)
        {
            EndSend(gone: !send.Result);
        }
        else
        {
            _ = AwaitSendAsync(send);
            Schedule();
        }
    }

    private async Task AwaitSendAsync(ValueTask<bool> send)
    {
        var gone = true;
        try
        {
            gone = !await send;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client left during the send: no error of ours.
        }
#pragma warning disable CA1031 // Whatever a writer throws must end its own stream, not the shard's loop.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Shard.LogWriteFailed(exception);
        }

        Shard.Post(ShardWorkKind.Sent, this, gone ? CloseReason.Client : null);
    }

    /// <summary>The client took what it was slow to take: it gets what waited meanwhile.</summary>
    public void OnSent(bool gone)
    {
        EndSend(gone);
        EndIfExpired();
        SendBacklog();
        PumpReplay();
        Schedule();
    }

    private void EndSend(bool gone)
    {
        _sending = false;
        if (_oldestInSend != 0)
        {
            if (!_isCanary)
            {
                Shard.Metrics.Latency(_oldestInSend);
            }

            _oldestInSend = 0;
        }

        if (ShardIndex < 0)
        {
            return;
        }

        if (gone)
        {
            Closing ??= CloseReason.Client;
            Remove();
        }
        else if (Closing is not null)
        {
            FinishClose();
        }
    }

    /// <summary>Puts an event behind those that wait for the send under way.</summary>
    private void Enqueue(LogEntry entry, int slot)
    {
        var backlog = Backlog ??= Shard.Backlogs.Rent();
        var policy = Memberships[slot].Overflow ??= Shard.Options.OverflowOf(Topics.Names[slot]);
        if (!Shard.Bounds.TryEnqueue(backlog, entry, slot, policy, Shard.Now))
        {
            CloseSlow();
        }
    }

    /// <summary>Sends what waits, in as few writes as possible, until it is all sent or the client does not keep up.</summary>
    private void SendBacklog()
    {
        while (!_sending && Closing is null && Backlog is { } backlog)
        {
            var own = Shard.Own;
            var oldest = 0L;
            own.Clear();
            while (own.Length < SendThreshold && backlog.TryDequeue(Topics.Names, out var entry, out var slot))
            {
                Append(entry, slot);
                oldest = oldest == 0 ? entry.PublishedAtMicroseconds : oldest;
            }

            if (backlog.IsEmpty)
            {
                DiscardBacklog();
            }

            Send(own, oldest);
        }
    }

    private void DiscardBacklog()
    {
        if (Backlog is { } backlog)
        {
            Backlog = null;
            Shard.Backlogs.Return(backlog);
        }
    }

    public void OnReplay(LogEntry[] entries)
    {
        if (ShardIndex >= 0)
        {
            _replayRequested = false;
            (_replay, _replayIndex) = (entries, 0);
            EndIfExpired();
            PumpReplay();
        }
    }

    /// <summary>
    /// A stream that is behind a topic's head asks for the next events when the client has taken the ones before, so
    /// nothing piles up for one that reads slowly; at the head it becomes a member and gets what is delivered.
    /// </summary>
    private void PumpReplay()
    {
        Shard.Own.Clear();
        Pump();
    }

    /// <summary>The same, behind what waits in the buffer already.</summary>
    private void Pump()
    {
        // One send; what is beyond it takes turns with other streams.
        var atHand = true;
        while (!_sending && Closing is null && Backlog is null && !_replayRequested && ShardIndex >= 0 && IsReplaying)
        {
            var slot = _replaySlot;
            if (_replay is { } entries)
            {
                if (_replayIndex < entries.Length)
                {
                    atHand &= !AppendReplay(entries, slot);
                    continue;
                }

                _replay = null;
            }

            var members = Memberships[slot];
            if (_starts?[slot] is { Gap: { } gap } start)
            {
                _starts[slot] = start with { Gap = null };
                (_replay, _replayIndex) = ([gap], 0);
            }
            else if (Positions[slot] == members.Head)
            {
                MemberIndexes[slot] = members.Add(this, slot);
                _replaySlot++;
                _starts = IsReplaying ? _starts : null;
            }
            else if (atHand && members.History.Recent(Positions[slot], members.Head, SendThreshold) is { Length: > 0 } recent)
            {
                (_replay, _replayIndex) = (recent, 0);
            }
            else
            {
                SendOwnBuffer();
                _replayRequested = true;
                members.History.Request(new StreamReplay(this, Positions[slot]));
            }
        }

        SendOwnBuffer();
    }

    // Of events that were erased nothing is left to send.
    private void SendOwnBuffer()
    {
        if (Shard.Own.Length > 0)
        {
            Send(Shard.Own, 0);
            Shard.Own.Clear();
        }
    }

    /// <returns>True when so much came together that it was sent.</returns>
    private bool AppendReplay(LogEntry[] entries, int slot)
    {
        while (_replayIndex < entries.Length && Shard.Own.Length < SendThreshold)
        {
            var entry = entries[_replayIndex++];
            if (!_isCanary)
            {
                Shard.Counts.Replayed(entry);
            }

            Append(entry, slot);
        }

        if (Shard.Own.Length < SendThreshold)
        {
            return false;
        }

        SendOwnBuffer();
        return true;
    }

    private void SetTimes()
    {
        _heartbeatTicks = Shard.Ticks(Shard.Options.HeartbeatInterval, Shard.Options.HeartbeatJitter);
        SetAge();
        if (Shard.DrainEnd is { } end)
        {
            // Its request was under way when the drain began.
            EndForDrain(Shard.Now + (long)(Math.Max(0, end - Shard.Now) * Random.Shared.NextDouble()));
        }

        Schedule();
    }

    private void SetAge()
    {
        _deadline = long.MaxValue;
        if (Shard.Options.MaxConnectionAge > TimeSpan.Zero)
        {
            _deadline = Shard.Now + Shard.Ticks(Shard.Options.MaxConnectionAge, Shard.Options.MaxConnectionAgeJitter);
            _deadlineReason = CloseReason.Age;
        }
    }

    /// <summary>Ends the stream at that moment, unless it ends earlier.</summary>
    public void EndForDrain(long moment)
    {
        if (Closing is null)
        {
            _deadline = Math.Min(_deadline, moment);
            _deadlineReason = CloseReason.Drain;
        }

        Schedule();
    }

    /// <summary>A drain was called off.</summary>
    public void Stay()
    {
        if (Closing is null)
        {
            SetAge();
            Schedule();
        }
    }

    /// <summary>Called again whenever something may be due earlier than was known before.</summary>
    private void Schedule()
    {
        if (ShardIndex >= 0)
        {
            var due = Closing is not null ? _deadline : Math.Min(_deadline, _sending ? SlowAt() : _sentAt + _heartbeatTicks);
            if (Closing is null && Credential is { } credential)
            {
                // A client that takes nothing is told nothing.
                due = Math.Min(due, _sending ? credential.EndAt : credential.NextAt);
            }

            _wheelTick = Shard.Wheel.Schedule(this, _wheelTick, due);
        }
    }

    /// <summary>When the send under way, or an event that waits for its end, will have taken too long.</summary>
    private long SlowAt() =>
        Shard.Bounds.MaxAge + (Backlog is { } backlog && backlog.TryPeekOldest(out _, out var since) ? Math.Min(since, _sentAt) : _sentAt);

    /// <summary>From the timer wheel; void if the stream is to be visited later by now.</summary>
    public void OnTick(long tick)
    {
        if (_wheelTick == 0 || _wheelTick > tick)
        {
            return;
        }

        _wheelTick = 0;
        if (ShardIndex >= 0)
        {
            CheckTimes();
            Schedule();
        }
    }

    private void CheckTimes()
    {
        if (_deadline <= Shard.Now)
        {
            if (Closing is null)
            {
                BeginClose(_deadlineReason);
            }
            else
            {
                Cut();
            }
        }
        else if (Closing is null && (Credential?.EndAt <= Shard.Now || _expiresAt <= Shard.UtcNow))
        {
            BeginClose(CloseReason.TokenExpired);
        }
        else if (Closing is null && _sending)
        {
            if (Shard.Now - _sentAt >= Shard.Bounds.MaxAge || (Backlog is { } backlog && !Shard.Bounds.TryExpire(backlog, Memberships, Shard.Now)))
            {
                CloseSlow();
            }
        }
        else if (Closing is null && Credential?.NextAt <= Shard.Now && Backlog is null)
        {
            SendExpiring(Credential);
        }
        else if (Closing is null && Shard.Now - _sentAt >= _heartbeatTicks && Backlog is null)
        {
            Send(StreamText.Heartbeat, 0);
        }
    }

    /// <summary>
    /// Before anything is delivered: the timers end the stream earlier, but on a busy machine they may be late, and the system's clock may
    /// be set.
    /// </summary>
    private void EndIfExpired()
    {
        if (_expiresAt <= Shard.UtcNow)
        {
            BeginClose(CloseReason.TokenExpired);
        }
    }

    /// <summary>Ends the stream if its credential was taken back.</summary>
    public void EndIfRevoked()
    {
        if (Credential is { } credential && !Shard.StillCounts(credential))
        {
            BeginClose(CloseReason.TokenRevoked);
        }
    }

    private void SendExpiring(StreamCredential credential)
    {
        var own = Shard.Own;
        own.Clear();
        own.Append(credential.Tell());
        Send(own, 0);
    }

    private void CloseSlow()
    {
        if (Closing is null)
        {
            Shard.Metrics.SlowConsumer(OverflowPolicy.Disconnect);
            BeginClose(CloseReason.SlowConsumer);
        }
    }

    public void BeginClose(string reason)
    {
        if (Closing is not null || ShardIndex < 0)
        {
            return;
        }

        Closing = reason;
        _deadline = Shard.CloseDeadline();
        DiscardBacklog();
        Schedule();
        if (!_sending)
        {
            FinishClose();
        }
    }

    /// <summary>Sends the last bytes; the stream leaves the shard when they are sent.</summary>
    private void FinishClose()
    {
        if (_finalSent || Closing is CloseReason.Client or CloseReason.Error)
        {
            Remove();
            return;
        }

        _finalSent = true;
        var own = Shard.Own;
        own.Clear();
        var retry = Closing switch
        {
            CloseReason.Rebalance => Shard.Options.NextRebalanceRetryMilliseconds(),
            CloseReason.TokenRevoked or CloseReason.TokenInvalid => AccessRefusal.NextRetryMilliseconds(),
            // That it would end was told, so a client that renews has done it.
            CloseReason.TokenExpired => Random.Shared.Next(ExpiredMinRetry, ExpiredMaxRetry + 1),
            _ => Shard.Options.NextRetryMilliseconds(Shard.Spread, Shard.Spread.Milliseconds),
        };
        own.AppendRetry(retry);
        // Valid as soon as its line ends; a blank line behind it would be an empty event to some clients, as after a heartbeat.
        if (Closing == CloseReason.OperatorForGood)
        {
            own.Append(StreamClosed.Event);
        }
        else if (Closing is CloseReason.TokenExpired or CloseReason.TokenRevoked or CloseReason.TokenInvalid)
        {
            if (Closing == CloseReason.TokenExpired && Credential is { IsTold: false } credential)
            {
                // It had hardly begun, or its client took nothing until now. A page renews when it is told.
                own.Append(credential.Tell());
            }

            // Without an id: the client has the last one, and that of a stream of one topic is not kept here.
            own.Append(Encoding.ASCII.GetBytes(AccessRefusal.Unauthorized(Closing, null, retry)));
        }

        Send(own, 0);
    }

    /// <summary>The client does not read, so there is no clean end for it.</summary>
    private void Cut()
    {
        _deadline = long.MaxValue;
        _writer.Abort();
        if (!_sending)
        {
            Remove();
        }
    }

    private void Remove()
    {
        for (var slot = 0; slot < Memberships.Length; slot++)
        {
            if (MemberIndexes[slot] >= 0)
            {
                Memberships[slot].RemoveAt(MemberIndexes[slot]);
            }
        }

        Shard.RemoveAt(ShardIndex);
        ShardIndex = -1;
        DiscardBacklog();
        _completion.TrySetResult(Closing ?? CloseReason.Error);
        // The timer wheel may hold the connection for a while, and must not hold the whole request, nor whose it was.
        _writer = null!;
        _credential = null;
    }
}
