using System.Diagnostics.Metrics;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.TopicApi;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Telemetry;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Archive;

/// <summary>
/// Three topics on a real Redis that keeps little of them, an archive, two archivers that are driven a round at a time, and streams.
/// What is acknowledged, and what may be missing of it, is kept beside.
/// </summary>
internal sealed class ArchiveRig : IAsyncDisposable
{
    public const int Topics = 3;
    public const int Archivers = 2;

    private const int Kept = 4;
    private const int KeptUnarchived = 12;
    private const int MaxRounds = 40;
    private const int MaxClients = 4;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly HashSet<Position> _committed = [];
    private readonly ClusterOptions _cluster = new() { KeyPrefix = $"seq{Guid.NewGuid():n}" };
    private readonly TopicLogOptions _logOptions = new()
    {
        MaxEvents = Kept,
        MaxBytes = 0,
        MaxUnarchivedEvents = KeptUnarchived,
        IdleExpiry = TimeSpan.FromMinutes(1),
        ArchivedFor = static _ => TimeSpan.FromDays(30),
    };
    private readonly IOptions<ArchiveOptions> _options = Options.Create(new ArchiveOptions { Mode = ArchiveMode.PostgreSql, BatchEvents = 10 });
    private readonly IDatabase _redis;
    private readonly IEventArchive _archive;
    private readonly MemoryArchive? _memory;
    private readonly RedisTopicLog _log;
    private readonly ArchiveShards _shards;
    private readonly ArchiveMetrics _metrics;
    private readonly ArchivePages _pages;
    private readonly TopicRemoval _removal;
    private readonly HubRig _replica;
    private readonly List<Client> _clients = [];
    private readonly AcknowledgedTopic[] _topics;
    private readonly Saved?[] _saved = new Saved?[Topics];
    private readonly ArchiverProcess[] _archivers;
    private bool _isRemoved;

    /// <param name="redis">A server of the test's own.</param>
    /// <param name="archive">One in memory has a standby as well.</param>
    public ArchiveRig(IConnectionMultiplexer redis, IEventArchive archive)
    {
        _redis = redis.GetDatabase();
        _archive = archive;
        _memory = archive as MemoryArchive;
        var name = Guid.NewGuid().ToString("N")[..8];
        _topics = [.. Enumerable.Range(0, Topics).Select(i => new AcknowledgedTopic($"{name}.{i}"))];
        _log = new RedisTopicLog(redis, Options.Create(_cluster), Options.Create(_logOptions), TimeProvider.System, NullLogger<RedisTopicLog>.Instance);
        _shards = new ArchiveShards(redis, Options.Create(_cluster));
        _metrics = new ArchiveMetrics(new SseMeter(_services.GetRequiredService<IMeterFactory>()));
        _pages = new ArchivePages(archive, _metrics, _options, TimeProvider.System);
        _removal = new TopicRemoval(_log, archive, new ArchiveForgetting(redis, _shards, _pages, _log, TimeProvider.System, NullLogger<ArchiveForgetting>.Instance));
        _replica = Serve();
        _archivers = [.. Enumerable.Range(0, Archivers).Select(_ => Start(redis))];
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async Task PublishAsync(int number, int count, string? key, bool isHinted)
    {
        var topic = _topics[number];
        var before = await HeldAsync(topic);
        for (var i = 0; i < count; i++)
        {
            // Every other event is of nobody.
            var own = i % 2 == 0 ? key : null;
            var stored = await _log.AppendAsync(topic.Name, Encoding.UTF8.GetBytes($"data: {topic.NextData}\n\n"), null, own);
            topic.Add(stored.Position, own);
            var after = await HeldAsync(topic);
            Assert.Equal(stored.Position, new Position(after.Epoch, after.Last));
            if (after.Epoch == before.Epoch && after.First > before.First)
            {
                await CheckTrimmedAsync(topic, before.First, after);
            }

            before = after;
        }

        if (isHinted)
        {
            await _shards.HintAsync([topic.Name]);
        }
    }

    /// <summary>Lets an archiver that hangs go on, and any other one work for a round.</summary>
    public async Task ArchiveAsync(int who, TimeSpan pause, Trouble trouble)
    {
        _time.Advance(pause);
        var process = _archivers[who];
        if (process.Hanging is { } hanging)
        {
            process.Archive.GoOn();
            await hanging;
            process.Hanging = null;
            return;
        }

        process.Archive.Next = trouble;
        var round = process.Archiver.RunOnceAsync(Cancelled);
        await Task.WhenAny(round, process.Archive.Hangs);
        process.Hanging = round.IsCompleted ? null : round;
        process.Archive.Next = Trouble.None;
    }

    /// <summary>Kills an archiver; another one takes its place.</summary>
    public async Task CrashAsync(int who)
    {
        var process = _archivers[who];
        _archivers[who] = Start(_redis.Multiplexer);
        await process.KillAsync();
    }

    public Task EndLeasesAsync() =>
        _redis.KeyDeleteAsync([.. Enumerable.Range(0, ArchiveShards.Count).Select(shard => (RedisKey)$"{{{_cluster.KeyPrefix}:leases}}:{ArchiveShards.LeaseOf(shard)}")]);

    /// <summary>An archiver's next question for topics to look at fails.</summary>
    public Task RefuseHintsAsync(bool refused) => Task.WhenAll(Enumerable.Range(0, ArchiveShards.Count).Select(shard => $"{_cluster.KeyPrefix}:{{archive:{shard}}}:topics").Select(
        key => refused ? _redis.StringSetAsync(key, "no set") : _redis.KeyDeleteAsync(key)));

    /// <summary>The server ends its connections, and they are made again.</summary>
    public async Task ReconnectAsync()
    {
        var restored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _log.Restored += (_, _) => restored.TrySetResult();
        await _redis.Multiplexer.GetServers()[0].ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await _redis.Multiplexer.GetServers()[0].ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");
        await restored.Task.WaitAsync(s_limit, TimeProvider.System, Cancelled);
    }

    /// <summary>Whether Redis has a log of the topic.</summary>
    public async Task<bool> HasLogAsync(int number) => (await HeldAsync(_topics[number])).Epoch != default;

    /// <summary>Whether the topic has events that are not archived.</summary>
    public Task<bool> IsBehindAsync(int number) => IsBehindAsync(_topics[number]);

    public Task ReplicateAsync()
    {
        _memory!.Replicate();
        _isRemoved = false;
        return Task.CompletedTask;
    }

    /// <summary>The primary is gone, and the standby is promoted with what it has; operators' removals, which it would undo, it has.</summary>
    public async Task FailOverAsync()
    {
        if (_isRemoved)
        {
            await ReplicateAsync();
        }

        var before = await Task.WhenAll(_topics.Select(StoredAsync));
        _memory!.FailOver();
        for (var i = 0; i < Topics; i++)
        {
            var held = await HeldAsync(_topics[i]);
            before[i].ExceptWith(await StoredAsync(_topics[i]));
            Lose(_topics[i], before[i].Where(position => !held.Has(position)));
        }
    }

    /// <summary>Redis loses the topic.</summary>
    public async Task FlushAsync(int number)
    {
        await LoseHeldAsync(_topics[number]);
        await _redis.KeyDeleteAsync([Counter(_topics[number]), Log(_topics[number])]);
    }

    public async Task SaveAsync(int number)
    {
        var held = await HeldAsync(_topics[number]);
        _saved[number] = new Saved(held.Epoch, held.Last, await _redis.HashGetAllAsync(Counter(_topics[number])), await _redis.ListRangeAsync(Log(_topics[number])));
    }

    /// <summary>Redis comes back with the topic as it was saved, if it is still the same log.</summary>
    public async Task GoBackAsync(int number)
    {
        var topic = _topics[number];
        if (_saved[number] is { } saved && saved.Epoch != default && saved.Epoch == (await HeldAsync(topic)).Epoch)
        {
            // All of it, since whoever sees the difference ends the log; until then the log seems to end earlier than its archive.
            await LoseHeldAsync(topic);
            foreach (var beyond in topic.Of(saved.Epoch).Where(acknowledged => acknowledged.Position.Offset > saved.Last))
            {
                beyond.MayBeSkipped = true;
            }

            await _redis.KeyDeleteAsync([Counter(topic), Log(topic)]);
            await _redis.HashSetAsync(Counter(topic), saved.Counter);
            await _redis.ListRightPushAsync(Log(topic), saved.Log);
        }
    }

    /// <summary>As an operator does.</summary>
    public async Task EraseAsync(int number, string key)
    {
        await RemoveAsync(context => _removal.EraseAsync(_topics[number].Name, context), $"?key={key}");
        foreach (var erased in _topics[number].Events.Where(acknowledged => acknowledged.Key == key))
        {
            erased.IsErased = true;
        }
    }

    /// <inheritdoc cref="EraseAsync"/>
    public async Task DeleteAsync(int number)
    {
        await RemoveAsync(context => _removal.DeleteAsync(_topics[number].Name, context), "");
        foreach (var deleted in _topics[number].Events)
        {
            deleted.IsDeleted = deleted.MayBeLost = true;
        }
    }

    /// <summary>A client of all topics comes, which has nothing yet, or has everything up to some place.</summary>
    /// <param name="share">How much of each topic it has, of 100; null: nothing.</param>
    public async Task OpenAsync(int? share)
    {
        if (_clients.Count == MaxClients || Array.Exists(_topics, topic => topic.Events.Count == 0))
        {
            return;
        }

        _clients.Add(share is { } hundredth
            ? await ConnectAsync(_replica, Array.ConvertAll(_topics, topic => topic.Events.Count * hundredth / 100 is var next and > 0 ? topic.Events[next - 1] : topic.Events[0]))
            : await ConnectAsync(_replica, null));
    }

    /// <summary>When everything works again: all is archived, nothing is lost that needed not be, and each stream has what there is to read.</summary>
    public async Task CheckAsync(int share)
    {
        await EndLeasesAsync();
        Array.Clear(_saved);
        for (var number = 0; number < Topics; number++)
        {
            await PublishAsync(number, 1, null, isHinted: true);
        }

        await SettleAsync();
        _pages.Forget(null);
        await Task.WhenAll(_topics.Select(CheckLossesAsync));
        // What is lost may still be in the memory of a replica that was here before.
        await using var replica = Serve();
        var readers = new List<Client> { await ConnectAsync(replica, null) };
        foreach (var seen in new[] { share, 100 - share, 100 })
        {
            readers.Add(await ConnectAsync(replica, Array.ConvertAll(_topics, topic => topic.Events[Math.Max(0, (topic.Events.Count * seen / 100) - 1)])));
        }

        // Whoever has the last one has everything before it.
        for (var number = 0; number < Topics; number++)
        {
            await PublishAsync(number, 1, null, isHinted: false);
            _topics[number].Events[^1].IsReadable = true;
        }

        foreach (var client in _clients.Concat(readers))
        {
            await EndAsync(client);
        }

        for (var number = 0; number < Topics; number++)
        {
            var topic = _topics[number];
            foreach (var reader in readers)
            {
                Assert.Equal(topic.Expected(reader.Seen?[number].Position), topic.Read(reader.Writer.Events));
            }

            foreach (var client in _clients)
            {
                var read = topic.Read(client.Writer.Events);
                var fault = topic.FindFault(read, client.Next[number]);
                Assert.True(fault is null, $"{fault} Read: {string.Join(", ", read)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _archivers)
        {
            await process.KillAsync();
        }

        await _replica.DisposeAsync();
        _pages.Dispose();
        _log.Dispose();
        await _services.DisposeAsync();
        await _redis.ExecuteAsync("FLUSHDB");
    }

    private HubRig Serve() =>
        new(_log, ringBytes: 600, topics: new TopicSet([.. _topics.Select(topic => topic.Name)]), logOptions: _logOptions, archive: new ArchiveHistory(_archive, _pages, _options));

    private ArchiverProcess Start(IConnectionMultiplexer redis)
    {
        var archive = new FaultyArchive(_archive, _committed);
        var leases = new RedisLeases(
            redis, Options.Create(_cluster), new SignedRecords(ClusterKey.Records, ClusterKey.Forged(), NullLogger<SignedRecords>.Instance), TimeProvider.System);
        return new ArchiverProcess(
            new Archiver(archive, _log, _shards, leases, new InMemoryReplicaRegistry(), _metrics, _options, Options.Create(_logOptions), _time, NullLogger<Archiver>.Instance), archive);
    }

    /// <summary>Redis lets go what is archived and not among the newest of that, and what is beyond its bound.</summary>
    private async Task CheckTrimmedAsync(AcknowledgedTopic topic, long first, Held held)
    {
        var mark = (long?)await _redis.HashGetAsync(Counter(topic), "archived") ?? 0;
        var stored = await StoredAsync(topic);
        foreach (var gone in topic.Of(held.Epoch).Where(acknowledged => acknowledged.Position.Offset >= first && acknowledged.Position.Offset < held.First))
        {
            var isBeyond = held.Last - gone.Position.Offset >= Kept + KeptUnarchived;
            Assert.True(
                isBeyond || (gone.Position.Offset <= mark - Kept && _committed.Contains(gone.Position)),
                $"Redis let {gone} go although it has only {held.First} to {held.Last}, and was told that the archive has {mark}.");
            gone.MayBeLost |= !stored.Contains(gone.Position);
        }
    }

    private async Task LoseHeldAsync(AcknowledgedTopic topic)
    {
        var held = await HeldAsync(topic);
        var stored = await StoredAsync(topic);
        Lose(topic, topic.Events.Select(acknowledged => acknowledged.Position).Where(position => held.Has(position) && !stored.Contains(position)));
    }

    private static void Lose(AcknowledgedTopic topic, IEnumerable<Position> positions)
    {
        var lost = positions.ToHashSet();
        foreach (var acknowledged in topic.Events.Where(acknowledged => lost.Contains(acknowledged.Position)))
        {
            acknowledged.MayBeLost = true;
        }
    }

    private async Task RemoveAsync(Func<HttpContext, Task<IResult>> remove, string query)
    {
        var result = await remove(new DefaultHttpContext { Request = { QueryString = new QueryString(query) } });
        Assert.Contains(((IStatusCodeHttpResult)result).StatusCode!.Value, new[] { StatusCodes.Status200OK, StatusCodes.Status204NoContent, StatusCodes.Status404NotFound });
        Array.Clear(_saved);
        _isRemoved = true;
    }

    private async Task SettleAsync()
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            for (var who = 0; who < Archivers; who++)
            {
                await ArchiveAsync(who, TimeSpan.FromSeconds(15), Trouble.None);
            }

            if (!(await Task.WhenAll(_topics.Select(IsBehindAsync))).Contains(true))
            {
                return;
            }
        }

        Assert.Fail($"Not everything is archived after {MaxRounds} rounds of both archivers.");
    }

    private async Task<bool> IsBehindAsync(AcknowledgedTopic topic)
    {
        var end = await _log.GetEndAsync(topic.Name);
        var archived = await _archive.GetEndsAsync([new ArchivedLog(topic.Name, end.Position.Epoch)], Cancelled);
        return archived[0].Offset != end.Position.Offset;
    }

    private async Task CheckLossesAsync(AcknowledgedTopic topic)
    {
        var held = await HeldAsync(topic);
        var stored = await StoredAsync(topic);
        foreach (var acknowledged in topic.Events)
        {
            acknowledged.IsReadable = held.Has(acknowledged.Position) || stored.Contains(acknowledged.Position);
            Assert.True(acknowledged.IsReadable || acknowledged.MayBeLost, $"{acknowledged} is neither in Redis nor archived, and nothing happened that may cost it.");
            Assert.False(acknowledged.IsReadable && acknowledged.IsDeleted, $"{acknowledged} is back, although it was deleted.");
        }
    }

    private async Task<Client> ConnectAsync(HubRig replica, AcknowledgedEvent[]? seen)
    {
        var bits = PositionCodec.MarkBits(Topics);
        var positions = seen is null ? null : Array.ConvertAll(seen, last => new MarkedPosition(last.Position.Epoch.Mark(bits), last.Position.Offset));
        var (writer, closeAsync) = await replica.OpenAsync(new ResumePoint(positions, false, Earliest: seen is null, 0, null));
        return new Client(writer, closeAsync, seen, [.. _topics.Select((topic, number) => seen is null ? topic.Events.Count : seen[number].Place + 1)]);
    }

    private async Task EndAsync(Client client)
    {
        string[] last = Array.ConvertAll(_topics, topic => topic.Events[^1].Data);
        try
        {
            await Eventually.Async(() => Array.TrueForAll(last, data => Array.Exists(client.Writer.Events, received => received.Data == data)), s_limit, "the newest event of each topic");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Those are {string.Join(", ", last)}; there came {string.Join(", ", client.Writer.Events.Select(received => received.Data))}.", exception);
        }
        finally
        {
            await client.CloseAsync();
        }
    }

    private async Task<Held> HeldAsync(AcknowledgedTopic topic)
    {
        var page = await _log.ReadAsync(topic.Name, 0, maxEvents: 0, maxBytes: 0);
        return new Held(page.Epoch, page.First, page.Last);
    }

    /// <summary>What is archived, each event once.</summary>
    private async Task<HashSet<Position>> StoredAsync(AcknowledgedTopic topic)
    {
        var stored = new HashSet<Position>();
        foreach (var epoch in topic.Epochs)
        {
            var page = await _archive.ReadAsync(new ArchivedLog(topic.Name, epoch), 0, 10_000, 10_000_000, newest: true, Cancelled);
            foreach (var archived in page.Events)
            {
                Assert.True(stored.Add(new Position(epoch, archived.Offset)), $"{topic.Name} is archived twice at {archived.Offset}.");
            }
        }

        return stored;
    }

    private string Counter(AcknowledgedTopic topic) => $"{_cluster.KeyPrefix}:{{{topic.Name}}}:counter";

    private string Log(AcknowledgedTopic topic) => $"{_cluster.KeyPrefix}:{{{topic.Name}}}:log";

    /// <summary>What Redis has of a topic.</summary>
    private sealed record Held(Epoch Epoch, long First, long Last)
    {
        public bool Has(Position position) => position.Epoch == Epoch && position.Offset >= First && position.Offset <= Last;
    }

    private sealed record Saved(Epoch Epoch, long Last, HashEntry[] Counter, RedisValue[] Log);

    /// <param name="Writer">What it got.</param>
    /// <param name="CloseAsync">Ends it.</param>
    /// <param name="Seen">The last event of each topic that it had before; null: none.</param>
    /// <param name="Next">The place of the next one of each topic.</param>
    private sealed record Client(MemoryStreamWriter Writer, Func<Task> CloseAsync, AcknowledgedEvent[]? Seen, int[] Next);

    /// <summary>A process that archives.</summary>
    private sealed class ArchiverProcess(Archiver archiver, FaultyArchive archive)
    {
        public Archiver Archiver => archiver;

        public FaultyArchive Archive => archive;

        /// <summary>Its round, while it hangs.</summary>
        public Task? Hanging { get; set; }

        public async Task KillAsync()
        {
            if (Hanging is { } hanging)
            {
                archive.Kill();
                await hanging;
            }

            archiver.Dispose();
        }
    }
}
