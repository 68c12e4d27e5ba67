namespace SseApp.Bench.Generator;

/// <summary>
/// Streams and publishers on one thread and one epoll, with one receive buffer for all: what is left of a core for the
/// kernel's copying decides how many deliveries a second can be read.
/// </summary>
internal sealed partial class LoadLoop : IDisposable
{
    private const int Tick = 20;
    private const int ElsewhereMicroseconds = 50_000;
    private const int UnansweredMicroseconds = 5_000_000;
    private const int LookMicroseconds = 500_000;

    // Connecting costs the generator, too: all at once, it would read no answer for a fifth of a second, and count that as the server's.
    private const int ConnectedTogether = 32;
    private readonly int _epoll = Libc.Epoll();
    private readonly Libc.EpollEvent[] _ready = new Libc.EpollEvent[512];
    private readonly byte[] _buffer = new byte[256 * 1024];
    private readonly PriorityQueue<int, long> _toConnect = new();
    private readonly LoadPlan _plan;
    private readonly StreamClient[] _streams;
    private readonly PublishClient[] _publishers;
    private readonly LinePublisher[] _linePublishers;
    private readonly string?[] _streamTopics;
    private readonly StreamParser _parser;
    private readonly CancellationToken _cancellationToken;
    private int _connecting;
    private bool _streamsWait;
    private long _looked;

    public LoadLoop(LoadPlan plan, CancellationToken cancellationToken)
    {
        _plan = plan;
        _cancellationToken = cancellationToken;
        _parser = new StreamParser(Tally, plan.Reconnect);
        Lanes = plan.Resume?.Lanes ?? [.. Enumerable.Range(0, plan.Topics).SelectMany(topic => Enumerable.Range(0, plan.LanesPerTopic).Select(lane => new Lane(topic, lane)))];
        _streams = [.. Enumerable.Range(0, plan.Streams).Select(index => index % plan.Topics)
            .Select(topic => new StreamClient(topic, plan.LanesPerTopic) { LastEventId = plan.Resume?.Ids[topic] ?? plan.Start })];
        _streamTopics = new string?[plan.Topics];
        _publishers = [.. Enumerable.Range(0, plan.Publishers).Select(_ => new PublishClient())];
        _linePublishers = [.. Enumerable.Range(0, plan.LinePublishers).Select(_ => new LinePublisher())];
        for (var i = 0; i < _streams.Length; i++)
        {
            _toConnect.Enqueue(i, 0);
        }
    }

    public LoadPlan Plan => _plan;

    public Tally Tally { get; } = new();

    public Lane[] Lanes { get; }

    /// <summary>Streams whose head was read.</summary>
    public int Open { get; private set; }

    /// <summary>Streams that have begun, and have all that was confirmed before they connected. Counted where the plan resumes.</summary>
    public int Whole { get; private set; }

    /// <summary>When a stream became whole last, in microseconds of <see cref="Payload.Now"/>.</summary>
    public long LastWhole { get; private set; }

    /// <summary>Events sent, except warm-ups.</summary>
    public long Sent { get; private set; }

    public List<Reconnect> Reconnects { get; } = [];

    /// <summary>Runs until <paramref name="done"/>.</summary>
    /// <returns>False when the time limit came first.</returns>
    public bool Run(Func<bool> done, TimeSpan limit, IPublishPlan? publishing = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!done())
        {
            _cancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                return false;
            }

            var now = Payload.Now;
            var due = Math.Min(Publish(publishing, now), Connect(now));
            var wait = due == long.MaxValue ? Tick : Math.Clamp((due - now) / 1000, 0, Tick);
            var count = Libc.Wait(_epoll, _ready, (int)wait);
            now = Payload.Now;
            GiveUpUnanswered(now);
            for (var i = 0; i < count; i++)
            {
                var (tag, events) = (_ready[i].Tag, _ready[i].Events);
                if (tag >= 0)
                {
                    OnStream(tag, events, now);
                }
                else
                {
                    if (~tag < _publishers.Length)
                    {
                        OnPublisher(_publishers[~tag], ~tag, events);
                    }
                    else
                    {
                        OnLines(~tag - _publishers.Length, events);
                    }
                }
            }
        }

        return true;
    }

    /// <summary>The first lane of each topic that has a stream without a warm-up event.</summary>
    public List<Lane> ColdLanes()
    {
        var cold = _streams.Where(stream => stream.WarmUps == 0).Select(stream => stream.Topic).ToHashSet();
        return [.. cold.Select(topic => Lanes[topic * _plan.LanesPerTopic])];
    }

    /// <summary>The newest id of one stream of each topic.</summary>
    public string?[] Ids() => [.. _streams.OrderBy(stream => stream.Topic).DistinctBy(stream => stream.Topic).Select(stream => stream.LastEventId)];

    /// <summary>Deliveries that the acknowledged events amount to.</summary>
    public long Expected()
    {
        var streamsOf = _streams.GroupBy(stream => stream.Topic).ToDictionary(group => group.Key, group => (long)group.Count());
        return Lanes.Sum(lane => lane.Acknowledged * streamsOf.GetValueOrDefault(lane.Topic));
    }

    /// <summary>Adds what never came to the tally.</summary>
    public void CountLost()
    {
        foreach (var stream in _streams)
        {
            for (var lane = 0; lane < _plan.LanesPerTopic; lane++)
            {
                Tally.Lost += stream.CountLost(Lanes[(stream.Topic * _plan.LanesPerTopic) + lane]);
            }
        }
    }

    public void Dispose()
    {
        foreach (var client in _streams.Concat<SocketClient>(_publishers))
        {
            FreeTls(client);
        }

        foreach (var fd in _streams.Select(stream => stream.Fd).Concat(_publishers.Select(publisher => publisher.Fd)).Concat(_linePublishers.Select(publisher => publisher.Fd)).Append(_epoll))
        {
            if (fd >= 0)
            {
                Libc.Reset(fd);
            }
        }
    }

    /// <summary>Connects the publishers before any stream, so that what they publish waits for nothing but its turn.</summary>
    /// <returns>False when the time limit came first.</returns>
    public bool ConnectPublishers(TimeSpan limit)
    {
        _streamsWait = true;
        for (var i = 0; i < _publishers.Length; i++)
        {
            Connect(_publishers[i], i, Payload.Now);
        }

        var all = Run(() => Array.TrueForAll(_publishers, publisher => publisher.Connected), limit);
        _streamsWait = false;
        return all;
    }

    private long Connect(long now)
    {
        for (var connected = 0; !_streamsWait && _toConnect.TryPeek(out var index, out var due); connected++)
        {
            if (due > now || connected == ConnectedTogether)
            {
                return due;
            }

            if (_connecting >= _plan.Connecting)
            {
                return long.MaxValue;
            }

            _toConnect.Dequeue();
            var stream = _streams[index];
            if (due > 0 && !stream.Retrying)
            {
                Reconnects.Add(new Reconnect(stream.EndedAt, due));
            }

            stream.Retrying = false;
            stream.BeginResponse();
            stream.Connecting = true;
            stream.Since = now;
            if (_plan.Resume is not null)
            {
                stream.OpeningSince = stream.OpeningSince == 0 ? now : stream.OpeningSince;
                stream.Want(Lanes, _plan.Target.Resumes);
            }

            _connecting++;
            stream.Frames = _plan.Target.Transport == Transport.H2 ? new Http2Response() : null;
            stream.Fd = Libc.Connect(_plan.Target.EndPoints[(index + stream.Attempt) % _plan.Target.EndPoints.Count]);
            Libc.Control(_epoll, Libc.Add, stream.Fd, Libc.Out, index);
        }

        return long.MaxValue;
    }

    // Apart, because what it gives to the frames would be made anew for each read without them, too.
    private void FeedFrames(Http2Response frames, StreamClient stream, int count, long now) =>
        frames.Feed(stream, _buffer.AsSpan(0, count), bytes => _parser.FeedBody(stream, bytes, now), answer => Send(stream, answer));

    private static int Send(SocketClient client, ReadOnlySpan<byte> bytes) => client.Tls == 0 ? Libc.Send(client.Fd, bytes) : OpenSsl.Send(client.Tls, bytes);

    private int Receive(SocketClient client) => client.Tls == 0 ? Libc.Receive(client.Fd, _buffer) : OpenSsl.Receive(client.Tls, _buffer);

    /// <returns>As <see cref="OpenSsl.Shake"/>; what there is to wait for is waited for.</returns>
    private int Shake(OpenSsl tls, SocketClient client, bool http2, int tag)
    {
        client.Tls = client.Tls == 0 ? tls.Begin(client.Fd, http2) : client.Tls;
        var shaken = tls.Shake(client.Tls);
        client.Shaking = shaken < 0;
        if (shaken < 0)
        {
            Libc.Control(_epoll, Libc.Modify, client.Fd, shaken == -1 ? Libc.In : Libc.Out, tag);
        }

        return shaken;
    }

    private static void FreeTls(SocketClient client)
    {
        if (client.Tls != 0)
        {
            OpenSsl.Free(client.Tls);
        }

        (client.Tls, client.Shaking) = (0, false);
    }

    private void OnStream(int index, int events, long now)
    {
        var stream = _streams[index];
        if (stream.Fd < 0)
        {
            // Given up in this very round.
            return;
        }

        var failed = (events & (Libc.Error | Libc.HangUp)) != 0;
        if (_plan.Target.Tls is { } tls && !failed && (stream.Tls == 0 || stream.Shaking))
        {
            if (Shake(tls, stream, stream.Frames is not null, index) is var shaken and not 1)
            {
                if (shaken == 0)
                {
                    Ended(stream, index, now);
                }

                return;
            }

            events = Libc.Out;
        }

        if ((events & Libc.Out) != 0 && !failed)
        {
            Libc.Control(_epoll, Libc.Modify, stream.Fd, Libc.In, index);
            if (Send(stream, _plan.Target.StreamRequest(_streamTopics[stream.Topic] ??= _plan.StreamTopics(stream.Topic), stream.LastEventId)) < 0)
            {
                Ended(stream, index, now);
            }

            return;
        }

        var count = Receive(stream);
        if (count == -1)
        {
            return;
        }

        if (count > 0)
        {
            if (stream.Frames is { } frames)
            {
                FeedFrames(frames, stream, count, now);
            }
            else
            {
                _parser.Feed(stream, _buffer.AsSpan(0, count), now);
            }

            if (stream.Connecting && stream.Part != ResponsePart.Head)
            {
                stream.Connecting = false;
                _connecting--;
                Open++;
            }

            if (_plan.Resume is not null && stream is { IsWhole: false, HasBegun: true } && stream.HasWanted())
            {
                stream.IsWhole = true;
                Whole++;
                LastWhole = now;
                Tally.RecordOpening(now - stream.OpeningSince);
                stream.OpeningSince = 0;
            }
        }

        if (count <= 0 || stream.IsReset || stream.Part == ResponsePart.Ended || (stream.Status is not 0 and not 200))
        {
            Ended(stream, index, now);
        }
    }

    /// <summary>An address whose machine or container has just gone answers nothing at all, for minutes. Only where there is another to ask.</summary>
    private void GiveUpUnanswered(long now)
    {
        if (_plan.Target.EndPoints.Count == 1 || now - _looked < LookMicroseconds)
        {
            return;
        }

        _looked = now;
        for (var i = 0; i < _streams.Length; i++)
        {
            if (_streams[i] is { Connecting: true } stream && now - stream.Since > UnansweredMicroseconds)
            {
                Tally.Unanswered++;
                Ended(stream, i, now);
            }
        }

        foreach (var publisher in _publishers)
        {
            if (publisher is { Fd: >= 0, Busy: true, Connected: false } && now - publisher.Since > UnansweredMicroseconds)
            {
                Tally.Unanswered++;
                Broken(publisher);
            }
        }
    }

    private void Ended(StreamClient stream, int index, long now)
    {
        Libc.Reset(stream.Fd);
        stream.Fd = -1;
        FreeTls(stream);
        var nobody = stream is { Connecting: true, Status: 0 };
        if (stream.Connecting)
        {
            stream.Connecting = false;
            _connecting--;
        }
        else
        {
            Open--;
        }

        if (stream.IsWhole)
        {
            stream.IsWhole = false;
            Whole--;
        }

        Tally.TurnedAway += stream.Unavailable ? 1 : 0;
        stream.Elsewhere = stream.Unavailable ? stream.Elsewhere + 1 : 0;
        if (_plan.Target.EndPoints.Count > 1 && (nobody || stream.Elsewhere % _plan.Target.EndPoints.Count > 0))
        {
            // Nobody there, or one that stops: the next address, as behind a load balancer; a little later, so that a cluster without any
            // is not stormed, and after the time that was named when all of them have refused.
            stream.Attempt++;
            stream.Retrying = true;
            Tally.Refused++;
            _toConnect.Enqueue(index, now + ElsewhereMicroseconds);
            return;
        }

        Tally.Ended++;
        Tally.Closed += stream.Status is 0 or 200 ? 0 : 1;
        Tally.Broken += stream.Part == ResponsePart.Ended ? 0 : 1;
        if (_plan.Reconnect)
        {
            stream.EndedAt = now;
            _toConnect.Enqueue(index, now + (stream.Retry * 1000L));
        }
        else
        {
            Tally.FirstFailure ??= stream.Status switch
            {
                0 => "a connection was refused or ended without an answer",
                200 => "the server ended a stream, as it does when it takes no more",
                _ => $"a stream was answered {stream.Status}",
            };
        }
    }
}
