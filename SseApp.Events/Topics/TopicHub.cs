using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;

namespace SseApp.Events.Topics;

/// <summary>
/// One topic that has, or a moment ago had, local subscribers: its Redis subscription, its recent events, and its
/// members in each shard. What it posts to the shards is the log's order without holes: an event that does not follow
/// the one before it waits until the log was asked for what is missing, and what is gone is reported as a gap. An event
/// follows another one by the event that it names, not by its offset alone: a server that lost events gives their offsets to others.
/// </summary>
internal sealed partial class TopicHub : ITopicHistory, IDisposable
{
    // Messages that wait for the log during a catch-up. Beyond that they are dropped: the log has them too.
    private const int MaxHeldBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly ITopicLog _log;
    private readonly TimeProvider _time;
    private readonly TimeSpan _idleExpiry;
    private readonly ILogger _logger;
    private readonly Shard[] _shards;
    private readonly TopicMembers[] _members;
    private readonly ArchiveMetrics? _sources;
    private readonly HotRing _ring;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stopped;
    private readonly CatchUpTurns _turns;
    private IAsyncDisposable? _subscription;

    // The newest event that was posted to the shards, and when it was published: 0 if that is not known.
    private Position _head;
    private long _headPublishedAt;
    private bool _isStarted;

    // Not null while messages from the channel must wait.
    private List<LogEntry>? _held = [];
    private long _heldBytes;
    private int _heldBeforeRead;

    public TopicHub(
        string topic, ITopicLog log, Shard[] shards, CatchUpTurns turns, RingBudget budget, TimeSpan idleExpiry, TimeProvider time, ILogger logger, ArchiveHistory? archive = null, ArchiveMetrics? sources = null)
    {
        Topic = topic;
        _log = log;
        _shards = shards;
        _turns = turns;
        _idleExpiry = idleExpiry;
        _time = time;
        _logger = logger;
        _archive = archive;
        _sources = sources;
        _ring = new HotRing(budget);
        Rates = new TopicRates(time.GetTimestamp());
        _stopped = _stopping.Token;
        _members = Array.ConvertAll(shards, _ => new TopicMembers(this));
    }

    public string Topic { get; }

    /// <summary>Guarded by the lock of <see cref="TopicHubs"/>, as the next four.</summary>
    public int Subscribers { get; set; }

    public long IdleSince { get; set; }

    public long NextCheck { get; set; }

    public Task? Starting { get; set; }

    public Task? Stopping { get; set; }

    public TopicRates Rates { get; }

    /// <summary>The topic has a log: something was published to it.</summary>
    public bool HasLog
    {
        get
        {
            lock (_gate)
            {
                return _head != default || _held is { Count: > 0 };
            }
        }
    }

    public TopicMembers MembersIn(int shard) => _members[shard];

    /// <summary>
    /// Subscribes first and reads the log's end afterwards: what is published in between comes over the channel, waits,
    /// and is dropped if the end that was read includes it.
    /// </summary>
    public async Task StartAsync()
    {
        var subscription = await _log.SubscribeAsync(Topic, OnEvent);
        try
        {
            lock (_gate)
            {
                _heldBeforeRead = _held!.Count;
            }

            var page = await _log.ReadAsync(Topic, after: 0, maxEvents: 0, maxBytes: 0);
            lock (_gate)
            {
                _isStarted = true;
                _logFirst = page.First;
                MoveTo(page.End);
                if (_checkWanted)
                {
                    // More came meanwhile than may be held.
                    StartReading();
                }
                else
                {
                    Settle();
                }
            }

            _subscription = subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        lock (_gate)
        {
            // Whoever takes the lock from now on sees that it is stopped and keeps nothing.
            _ring.Clear();
        }

        if (_subscription is not null)
        {
            await _subscription.DisposeAsync();
        }
    }

    public void Dispose() => _stopping.Dispose();

    private long RingFirst => _ring.Count == 0 ? _head.Offset + 1 : _ring.First;

    private void OnEvent(LogEntry entry)
    {
        var full = Array.Exists(_shards, static shard => shard.Room.IsFull());
        lock (_gate)
        {
            if (_stopped.IsCancellationRequested)
            {
                return;
            }

            if (entry.Position.Offset == 0)
            {
                // Something in the log was erased, or the log was dropped.
                _ring.Clear();
            }

            if (full)
            {
                // As good as lost on the channel: it is read from the log when there is room again.
                StartCheck();
            }
            else if (_held is not null)
            {
                Hold(entry);
            }
            else if (Follows(entry))
            {
                Append(entry);
            }
            else if (!IsKnown(entry))
            {
                StartCheck();
                Hold(entry);
            }
        }
    }

    private LogEnd Head => new(_head, _headPublishedAt);

    // The first event of a new log does not follow anything: it may be a late one of a log that is gone, so the log is asked.
    private bool Follows(LogEntry entry) =>
        entry.Position.Epoch == _head.Epoch && entry.After == _head.Offset && LogEnd.AreSame(entry.Previous, _headPublishedAt);

    private bool IsKnown(LogEntry entry) =>
        (entry.Position == _head && entry.PublishedAtMicroseconds == _headPublishedAt) || _ring.Find(entry.Position.Offset)?.IsSameAs(entry) == true;

    private void Append(LogEntry entry)
    {
        _head = entry.Position;
        _headPublishedAt = entry.PublishedAtMicroseconds;
        if (entry.IsTombstone)
        {
            _ring.AddLast(entry);
            MoveMembers();
            return;
        }

        if (entry.After == entry.Position.Offset - 1)
        {
            _ring.AddLast(entry);
        }
        else
        {
            // A gap for many offsets, and what is kept has none.
            _ring.Clear();
        }

        Rates.Count(Subscribers);
        if (Subscribers > 0)
        {
            entry.FirstDelivery = EventTrace.Received(Topic, entry.Position);
        }

        Deliver(entry);
    }

    private void Hold(LogEntry entry)
    {
        _held!.Add(entry);
        _heldBytes += entry.Size;
        if (_heldBytes > MaxHeldBytes)
        {
            _held.Clear();
            _heldBytes = 0;
            _heldBeforeRead = 0;
            StartCheck();
        }
    }

    /// <summary>
    /// Lets the held messages go after the log was read to its end. Those of before the read are in what was read, or
    /// belong to a log that is no more; of those that came later, the first that does not follow starts another read.
    /// </summary>
    private void Settle()
    {
        var held = _held!;
        _held = null;
        _heldBytes = 0;
        for (var i = 0; i < held.Count; i++)
        {
            var entry = held[i];
            if (Follows(entry))
            {
                Append(entry);
            }
            else if (i < _heldBeforeRead || IsKnown(entry))
            {
                continue;
            }
            else
            {
                StartCheck();
                held[i..].ForEach(Hold);
                return;
            }
        }
    }

    /// <summary>Goes on from another place: what was kept and where the members are means nothing any more.</summary>
    private void MoveTo(LogEnd head)
    {
        (_head, _headPublishedAt) = (head.Position, head.PublishedAtMicroseconds);
        _ring.Clear();
        MoveMembers();
    }

    /// <summary>Tells the shards the head without anything to deliver.</summary>
    private void MoveMembers()
    {
        var head = _head;
        for (var i = 0; i < _shards.Length; i++)
        {
            var members = _members[i];
            _shards[i].Run(() => members.Head = head);
        }
    }

    private void ReportGap(string reason, long? from, long? to, Position head)
    {
        (_head, _headPublishedAt) = (head, 0);
        _ring.Clear();
        Deliver(StreamGap.Create(Topic, reason, from, to, head));
    }

    private void Deliver(LogEntry entry)
    {
        for (var i = 0; i < _shards.Length; i++)
        {
            _shards[i].Post(ShardWorkKind.Deliver, _members[i], entry);
        }
    }
}
