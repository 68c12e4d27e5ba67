using StackExchange.Redis;

namespace SseApp.Bench.Generator;

/// <summary>Publishes straight to Redis by the replica's script, with the arguments that a replica gives it.</summary>
/// <param name="redis">A single server, or a cluster.</param>
/// <param name="script">publish.lua.</param>
/// <param name="topics">Topics that are published to in turn.</param>
/// <param name="together">Events of a call; 1 on a cluster, whose scripts reach one slot.</param>
internal sealed class ScriptLoad(IConnectionMultiplexer redis, string script, int topics, int together)
{
    private const int Values = 12;
    private const long MaxEvents = 1_000;
    private const long MaxBytes = 64 * 1024 * 1024;
    private const int Size = 100;
    private static readonly long s_expiry = (long)TimeSpan.FromHours(25.5).TotalMilliseconds;
    private static readonly long s_window = (long)TimeSpan.FromMinutes(5).TotalMilliseconds;
    private static readonly byte[] s_block = Encoding.ASCII.GetBytes($"data: {new string('x', Size)}\n\n");

    private readonly Topic[] _topics = [.. Enumerable.Range(0, topics).Select(index => new Topic($"sse:{{bench-{index}}}:"))];
    private int _next;
    private long _done;

    public IReadOnlyCollection<string> Channels => [.. _topics.Select(topic => topic.Channel)];

    public static string Read(Workspace workspace) => File.ReadAllText(Path.Combine(workspace.Root, "SseApp.Events", "Log", "publish.lua"));

    /// <summary>Publishes for a while.</summary>
    /// <param name="calls">That are under way at a time; times the events of a call they are less than there are topics.</param>
    /// <param name="duration">For how long.</param>
    /// <returns>Events.</returns>
    public async Task<long> RunAsync(int calls, TimeSpan duration)
    {
        var (before, started) = (_done, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, calls).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(started) < duration)
            {
                await CallAsync();
                Interlocked.Add(ref _done, together);
            }
        }));
        return _done - before;
    }

    private async Task CallAsync()
    {
        var taken = new Topic[together];
        var keys = new RedisKey[2 * together];
        var values = new RedisValue[2 + (Values * together)];
        values[0] = "00000000000000a1";
        values[1] = s_window;
        for (var (i, v) = (0, 2); i < together; i++)
        {
            var topic = taken[i] = _topics[(int)((uint)Interlocked.Increment(ref _next) % (uint)_topics.Length)];
            (keys[2 * i], keys[(2 * i) + 1]) = (topic.Counter, topic.Log);
            values[v++] = topic.Channel;
            values[v++] = Payload.Now;
            values[v++] = s_block;
            values[v++] = MaxEvents;
            values[v++] = MaxBytes;
            values[v++] = s_expiry;
            values[v++] = topic.Offset == 0 ? 1 : 0;
            values[v++] = 0;
            values[v++] = topic.Epoch;
            values[v++] = topic.Offset;
            values[v++] = 0;
            values[v++] = 0;
        }

        var answers = (RedisResult[])(await redis.GetDatabase().ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster))!;
        for (var i = 0; i < together; i++)
        {
            taken[i].Stored(answers[i]);
        }
    }

    private sealed class Topic(string prefix)
    {
        public string Counter { get; } = prefix + "counter";

        public string Log { get; } = prefix + "log";

        public string Channel { get; } = prefix + "live";

        public string Epoch { get; private set; } = "0000000000000000";

        public long Offset { get; private set; }

        public void Stored(RedisResult answer)
        {
            if (answer.Resp2Type == ResultType.Integer)
            {
                Offset = (long)answer;
                return;
            }

            var parts = ((string)answer!).Split(' ');
            if (parts is not [{ Length: 16 } epoch, var offset, ..])
            {
                throw new BenchException($"The script answered: {answer}");
            }

            (Epoch, Offset) = (epoch, long.Parse(offset, CultureInfo.InvariantCulture));
        }
    }
}
