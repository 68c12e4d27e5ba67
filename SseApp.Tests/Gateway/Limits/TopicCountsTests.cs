using SseApp.Gateway.Limits;
using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Limits;

public sealed class TopicCountsTests
{
    [Fact]
    public void The_limit_holds_for_what_is_open_and_what_was_closed_within_the_last_minute() =>
        Gen.Select(Gen.Int[1, 6], Gen.Select(Gen.Int[0, 8].Array[0, 4], Gen.Int[0, 40], Gen.Bool).Array[1, 120]).Sample((limit, steps) =>
        {
            var time = new FakeTimeProvider();
            var counts = new TopicCounts(time);
            var open = new Queue<uint[]>();
            var closed = new Dictionary<uint, DateTimeOffset>();
            foreach (var (names, wait, close) in steps)
            {
                time.Advance(TimeSpan.FromSeconds(wait));
                if (close && open.TryDequeue(out var left))
                {
                    counts.Leave(Key(1), limit, left);
                    Array.ForEach(left, topic => closed[topic] = time.GetUtcNow());
                    continue;
                }

                var topics = TopicCounts.Hashes(names.Select(name => $"{name}"));
                var held = open.SelectMany(stream => stream).ToArray();
                // A topic counts for a minute, and for a second or two more at most.
                int Counting(int seconds) => held.Concat(topics)
                    .Concat(closed.Where(pair => time.GetUtcNow() - pair.Value <= TimeSpan.FromSeconds(seconds)).Select(pair => pair.Key)).Distinct().Count();
                var isNew = topics.Except(held).Except(closed.Keys).Any();
                var entered = counts.TryEnter(Key(1), limit, topics) is null;
                Assert.False(entered && isNew && Counting(60) > limit);
                Assert.False(!entered && Counting(62) <= limit);
                if (entered)
                {
                    open.Enqueue(topics);
                }
            }
        });

    [Fact]
    public void After_the_time_that_it_says_a_client_may_have_other_topics()
    {
        var time = new FakeTimeProvider();
        var counts = new TopicCounts(time);
        var first = TopicCounts.Hashes(["a", "b"]);
        var second = TopicCounts.Hashes(["c"]);
        Assert.Null(counts.TryEnter(Key(1), 2, first));
        Assert.Null(counts.TryEnter(Key(1), 2, first));
        counts.Leave(Key(1), 2, first);
        Assert.Equal(TimeSpan.Zero, counts.TryEnter(Key(1), 2, second));
        Assert.Null(counts.TryEnter(Key(2), 2, second));

        counts.Leave(Key(1), 2, first);
        var wait = counts.TryEnter(Key(1), 2, second)!.Value;
        Assert.InRange(wait, TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(62));
        Assert.Null(counts.TryEnter(Key(1), 2, first));
        counts.Leave(Key(1), 2, first);
        time.Advance(wait);
        Assert.Null(counts.TryEnter(Key(1), 2, second));
    }

    [Fact]
    public void A_crowd_of_clients_that_come_once_takes_bounded_room()
    {
        var counts = new TopicCounts(new FakeTimeProvider());
        var stays = TopicCounts.Hashes(["stays"]);
        counts.TryEnter(Key(0), 1, stays);
        var topics = TopicCounts.Hashes(Enumerable.Range(0, 64).Select(number => $"t{number}"));
        for (var i = 1; i <= 60_000; i++)
        {
            counts.TryEnter(Key(i), 1_000, topics);
            counts.Leave(Key(i), 1_000, topics);
        }

        Assert.InRange(counts.Topics, 1, 16 * 2 * 64 * 1024);
        Assert.NotNull(counts.TryEnter(Key(0), 1, topics));
    }

    private static ClientKey Key(int number) => ClientKey.OfAddress(new IPAddress([10, 1, (byte)(number >> 8), (byte)number]), 64);
}
