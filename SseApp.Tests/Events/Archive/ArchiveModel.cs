using SseApp.Events.Archive;

namespace SseApp.Tests.Events.Archive;

/// <summary>What an archive must hold after what was done to it: lists in memory, beside a real one.</summary>
internal sealed class ArchiveModel(IEventArchive archive, int shard, DateTimeOffset now)
{
    private static readonly string[] s_keys = ["k'1", "k2"];

    private readonly Topic[] _topics = [new(), new()];
    private long _fence;
    private long _formerFence;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async Task DoAsync(int what, int number, int count, int key, int hole)
    {
        _fence = _fence == 0 ? await archive.ClaimAsync(shard, Cancelled) : _fence;
        var topic = _topics[number];
        switch (what)
        {
            case 0:
                _formerFence = _fence;
                _fence = await archive.ClaimAsync(shard, Cancelled);
                break;
            case 1:
                topic.Begin();
                break;
            case 2:
                var erased = topic.Erase(s_keys[key % 2], through: topic.Published);
                Assert.Equal(erased, await archive.EraseAsync(topic.Name, s_keys[key % 2], new Position(topic.Epoch, topic.Published), Cancelled));
                break;
            case 3:
                Assert.Equal(topic.Delete(), await archive.DeleteAsync(topic.Name, topic.Epoch, Cancelled));
                break;
            default:
                await WriteAsync(topic, count, key, hole);
                break;
        }
    }

    public async Task<bool> IsTrueAsync()
    {
        foreach (var topic in _topics)
        {
            foreach (var log in topic.Logs)
            {
                var read = new List<(long, string?, bool)>();
                for (long after = 0; ;)
                {
                    var page = await archive.ReadAsync(new ArchivedLog(topic.Name, log.Epoch), after, 7, 1024, newest: true, Cancelled);
                    if (page.Events.Count == 0)
                    {
                        break;
                    }

                    read.AddRange(page.Events.Select(archived => (archived.Offset, archived.Key, archived.Block.Length == 0)));
                    after = page.Events[^1].Offset;
                }

                Assert.Equal(log.Events, read);
            }

            var kept = topic.Logs.Where(log => log.Events.Count > 0).OrderBy(log => log.Place).Select(log => (log.Epoch, log.Events[0].Offset, log.Events[^1].Offset));
            Assert.Equal(kept, (await archive.GetEpochsAsync(topic.Name, newest: true, Cancelled)).Select(epoch => (epoch.Epoch, epoch.First, epoch.Last)));
            var ends = await archive.GetEndsAsync([.. topic.Logs.Select(log => new ArchivedLog(topic.Name, log.Epoch))], Cancelled);
            Assert.Equal(topic.Logs.Select(log => (log.End, log.IsDeleted)), ends.Select(end => (end.Offset, end.IsDeleted)));
        }

        return true;
    }

    /// <summary>Some events, a hole before them now and then; then the same again, and by the writer that was overtaken.</summary>
    private async Task WriteAsync(Topic topic, int count, int key, int hole)
    {
        var log = topic.Logs[^1];
        var first = log.End + 1 + (hole == 2 ? 3 : 0);
        var which = new ArchivedLog(topic.Name, log.Epoch);
        LogEntry[] entries = [.. Enumerable.Range(0, count).Select(index => ArchiveEntries.Of(which, first + index, now, (key + index) % 3 is var k and < 2 ? s_keys[k] : null))];
        topic.Published = Math.Max(topic.Published, entries[^1].Position.Offset + hole);
        if (_formerFence != 0)
        {
            var fenced = await Assert.ThrowsAsync<ArchiveConflictException>(() => SendAsync(_formerFence));
            Assert.True(fenced.IsFenced);
        }

        if (!log.IsDeleted)
        {
            await SendAsync(_fence);
            topic.Write(log, entries);
        }

        var conflict = await Assert.ThrowsAsync<ArchiveConflictException>(() => SendAsync(_fence));
        Assert.False(conflict.IsFenced);

        Task SendAsync(long fence) => archive.WriteAsync(new ArchiveBatch(shard, fence, [new ArchiveRun(which, first - 1 - (hole == 2 ? 3 : 0), TimeSpan.FromDays(30), entries)]), Cancelled);
    }

    private sealed class Topic
    {
        private int _places;

        public string Name { get; } = $"model:{Guid.NewGuid():n}";

        public List<Log> Logs { get; } = [new()];

        /// <summary>The newest event that the log in Redis has, which may not be archived yet.</summary>
        public long Published { get; set; }

        public Epoch Epoch => Logs[^1].Epoch;

        public void Begin()
        {
            Logs.Add(new Log());
            Published = 0;
        }

        public void Write(Log log, IEnumerable<LogEntry> entries)
        {
            Know(log);
            foreach (var entry in entries)
            {
                var isErased = entry.Key is { } key && log.Erased.GetValueOrDefault(key) >= entry.Position.Offset;
                log.Events.Add((entry.Position.Offset, isErased ? null : entry.Key, isErased));
                log.End = entry.Position.Offset;
            }
        }

        public long Erase(string key, long through)
        {
            long count = 0;
            Know(Logs[^1]);
            foreach (var log in Logs.Where(log => !log.IsDeleted && log.Place > 0))
            {
                log.Erased[key] = Math.Max(log.Erased.GetValueOrDefault(key), log == Logs[^1] ? through : long.MaxValue);
                for (var i = 0; i < log.Events.Count; i++)
                {
                    if (log.Events[i].Key == key && log.Events[i].Offset <= log.Erased[key])
                    {
                        log.Events[i] = (log.Events[i].Offset, null, true);
                        count++;
                    }
                }
            }

            return count;
        }

        public bool Delete()
        {
            Know(Logs[^1]);
            var any = Logs.Exists(log => log.Events.Count > 0);
            foreach (var log in Logs.Where(log => log.Place > 0))
            {
                log.IsDeleted = true;
                log.Events.Clear();
            }

            return any;
        }

        private void Know(Log log) => log.Place = log.Place == 0 ? ++_places : log.Place;
    }

    private sealed class Log
    {
        public Epoch Epoch { get; } = Epoch.Create();

        /// <summary>In which order the archive came to know it; 0: it does not.</summary>
        public int Place { get; set; }

        public long End { get; set; }

        public bool IsDeleted { get; set; }

        public Dictionary<string, long> Erased { get; } = [];

        public List<(long Offset, string? Key, bool IsErased)> Events { get; } = [];
    }
}
