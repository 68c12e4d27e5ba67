using SseApp.Events.FanOut;

namespace SseApp.Tests.Events.FanOut;

public sealed class BacklogTests
{
    private static readonly string[] s_topics = ["a", "b"];

    [Fact]
    public void Keys_of_events_that_were_sent_are_forgotten()
    {
        var backlog = new Backlog(new BacklogPool());

        // Never empty and never full, as for a client that is steadily a little behind.
        var keys = SendUniqueKeys(backlog, 1_000);

        GC.Collect();
        Assert.InRange(keys.Count(key => key.IsAlive), 0, 10);
        Assert.False(backlog.IsEmpty);
    }

    [Fact]
    public void The_newest_event_of_a_key_stands_in_the_place_of_the_newest()
    {
        var backlog = new Backlog(new BacklogPool());
        Assert.False(backlog.EnqueueNewest(Event(1, 1, "k1"), 0, 0));
        Assert.False(backlog.EnqueueNewest(Event(1, 2, "k2"), 0, 0));
        Assert.True(backlog.TryDequeue(s_topics, out _, out _));

        // What was sent is not replaced.
        Assert.False(backlog.EnqueueNewest(Event(1, 3, "k1"), 0, 0));
        Assert.True(backlog.EnqueueNewest(Event(1, 4, "k2"), 0, 0));

        Assert.Equal(["0:3", "0:4"], Drain(backlog));
    }

    [Fact]
    public void Events_dropped_on_both_sides_of_a_new_log_are_reported_on_both_sides()
    {
        var backlog = new Backlog(new BacklogPool());
        backlog.Enqueue(Event(1, 5), 0, 0);
        backlog.Enqueue(Event(1, 6), 0, 0);
        backlog.Enqueue(StreamGap.Create("a", GapReason.Epoch, 7, null, new Position(new Epoch(2), 0)), 0, 0);
        backlog.Enqueue(Event(2, 1), 0, 0);
        backlog.Enqueue(Event(9, 1), 1, 0);
        backlog.Enqueue(Event(2, 2), 0, 0);
        backlog.Enqueue(Event(2, 3), 0, 1);

        backlog.DropSince(0, 0);

        Assert.Equal(["0:overflow 5-6", "0:epoch 7-", "1:1", "0:overflow 1-2", "0:3"], Drain(backlog));
    }

    [Fact]
    public void A_new_log_without_a_word_in_between_does_not_hide_what_was_dropped_of_the_old_one()
    {
        var backlog = new Backlog(new BacklogPool());
        backlog.Enqueue(Event(1, 5), 0, 0);
        backlog.Enqueue(Event(2, 1), 0, 0);

        backlog.DropOldest(0, 0);

        Assert.Equal(["0:overflow 5-5", "0:overflow 1-1"], Drain(backlog));
        Assert.Equal(0, backlog.Bytes);
    }

    [Fact]
    public void Every_event_is_sent_or_reported_as_missing_in_its_place_whatever_is_dropped_when()
    {
        // Below zero: events are taken; 0 to 3: one comes; above: some are dropped.
        Gen.Int[-2, 7].Array[1, 200].Sample(steps =>
        {
            var total = new BacklogPool();
            var backlog = new Backlog(total);
            long[] last = [0, 0];
            long[] seen = [0, 0];
            foreach (var (step, now) in steps.Select((step, now) => (step, now)))
            {
                switch (step)
                {
                    case < 0:
                        Take(backlog, seen);
                        break;
                    case <= 3:
                        backlog.Enqueue(Event(1, ++last[step % 2]), step % 2, now);
                        break;
                    case <= 5:
                        backlog.DropOldest(step % 2, backlog.Bytes / 2);
                        break;
                    default:
                        backlog.DropSince(step % 2, now - 4);
                        break;
                }

                Assert.Equal(total.Bytes, backlog.Bytes);
                Assert.Equal(backlog.TryPeekOldest(out _, out _), backlog.Bytes > 0);
            }

            while (Take(backlog, seen))
            {
            }

            Assert.Equal(last, seen);
            Assert.True(backlog.IsEmpty);
            Assert.Equal(0, backlog.Bytes);
        });
    }

    private static bool Take(Backlog backlog, long[] seen)
    {
        if (!backlog.TryDequeue(s_topics, out var entry, out var slot))
        {
            return false;
        }

        if (entry.GapReason is not null)
        {
            var data = GapData(entry);
            Assert.Equal(s_topics[slot], data.GetProperty("topic").GetString());
            Assert.Equal(seen[slot] + 1, data.GetProperty("from").GetInt64());
            Assert.Equal(entry.Position.Offset, data.GetProperty("to").GetInt64());
        }
        else
        {
            Assert.Equal(seen[slot] + 1, entry.Position.Offset);
        }

        seen[slot] = entry.Position.Offset;
        return true;
    }

    private static List<string> Drain(Backlog backlog)
    {
        var taken = new List<string>();
        while (backlog.TryDequeue(s_topics, out var entry, out var slot))
        {
            taken.Add(entry.GapReason is null
                ? $"{slot}:{entry.Position.Offset}"
                : $"{slot}:{entry.GapReason} {GapData(entry).GetProperty("from")}-{GapData(entry).GetProperty("to")}");
        }

        return taken;
    }

    private static JsonElement GapData(LogEntry gap) => JsonSerializer.Deserialize<JsonElement>(SseEncoder.Decode(gap.Block.Span).Data);

    // Not inlined, so that no local variable keeps a key alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> SendUniqueKeys(Backlog backlog, int count)
    {
        var keys = new List<WeakReference>();
        for (var i = 1; i <= count; i++)
        {
            var entry = Event(1, i, $"key-{i}");
            keys.Add(new WeakReference(entry.Key));
            backlog.EnqueueNewest(entry, 0, 0);
            if (i > 5)
            {
                Assert.True(backlog.TryDequeue(s_topics, out _, out _));
            }
        }

        return keys;
    }

    private static LogEntry Event(ulong epoch, long offset, string? key = null) =>
        LogEntry.Parse(Encoding.UTF8.GetBytes($"2 {new Epoch(epoch)} {offset} 0 {LogEntry.Stamp(1, key)}\ndata: x\n\n"))!;
}
