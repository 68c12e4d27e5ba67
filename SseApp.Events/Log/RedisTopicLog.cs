using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace SseApp.Events.Log;

internal sealed partial class RedisTopicLog(
    IConnectionMultiplexer redis,
    IOptions<TopicLogOptions> options,
    TimeProvider time,
    ILogger<RedisTopicLog> logger) : ITopicLog
{
    private static readonly string s_publishScript = LoadScript("publish.lua");
    private static readonly string s_rangeScript = LoadScript("range.lua");

    private readonly TopicLogOptions _options = options.Value;

    public async Task<AppendResult> AppendAsync(string topic, ReadOnlyMemory<byte> block, string? idempotencyKey)
    {
        var prefix = Prefix(topic);
        var answer = await redis.GetDatabase().ScriptEvaluateAsync(
            s_publishScript,
            [prefix + "counter", prefix + "log", prefix + "key:" + idempotencyKey],
            [
                Epoch.Create().ToString(),
                time.GetUtcNow().UnixMicroseconds(),
                block,
                _options.MaxEvents,
                (long)_options.IdleExpiry.TotalMilliseconds,
                idempotencyKey is null ? 0 : (long)_options.IdempotencyWindow.TotalMilliseconds,
                prefix + "live",
            ]);
        var (epoch, offset, repeated) = ParseThree(answer);
        return new AppendResult(new Position(epoch, offset), repeated == 1);
    }

    public async Task<LogRange> GetRangeAsync(string topic)
    {
        var prefix = Prefix(topic);
        var answer = await redis.GetDatabase().ScriptEvaluateAsync(s_rangeScript, [prefix + "counter", prefix + "log"], []);
        var (epoch, last, count) = ParseThree(answer);
        return new LogRange(epoch, last - count + 1, last);
    }

    public async Task<ITopicSubscription> SubscribeAsync(string topic, Action<LogEntry> onEvent)
    {
        // A ChannelMessageQueue keeps the order of the channel; plain handlers may run side by side.
        var queue = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Prefix(topic) + "live"));
        queue.OnMessage(message =>
        {
            if (LogEntry.Parse(message.Message) is { } entry)
            {
                onEvent(entry);
            }
            else
            {
                LogForeignMessage(topic);
            }
        });
        return new Subscription(queue);
    }

    private static string LoadScript(string name)
    {
        using var stream = typeof(RedisTopicLog).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The embedded script {name} is missing from the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static (Epoch Epoch, long Second, long Third) ParseThree(RedisResult answer)
    {
        var text = (string?)answer ?? throw new InvalidOperationException("The log script returned nothing.");
        var parts = text.Split(' ');
        return (
            new Epoch(ulong.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            long.Parse(parts[1], CultureInfo.InvariantCulture),
            long.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    // The topic is the hash tag: all keys of a topic lie on one node of a Redis Cluster.
    private string Prefix(string topic) => $"{_options.KeyPrefix}:{{{topic}}}:";

    [LoggerMessage(LogLevel.Warning, "Ignored a message on the channel of topic {Topic} that is not an event of this version.")]
    private partial void LogForeignMessage(string topic);

    private sealed class Subscription(ChannelMessageQueue queue) : ITopicSubscription
    {
        public async ValueTask DisposeAsync() => await queue.UnsubscribeAsync();
    }
}
