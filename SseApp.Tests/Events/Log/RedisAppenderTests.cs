using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Log;

public sealed class RedisAppenderTests
{
    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_its_publish_and_no_later_one()
    {
        var appender = new RedisAppender(
            DispatchProxy.Create<IConnectionMultiplexer, EchoingRedis>(), new ClusterOptions(), new TopicLogOptions(), TimeProvider.System, static _ => { });

        var damaged = AppendAsync(appender, "no number");
        await Assert.ThrowsAsync<FormatException>(() => damaged.WaitAsync(TestContext.Current.CancellationToken));

        var later = await AppendAsync(appender, "1 7 0").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(7, later.Position.Offset);
    }

    private static Task<AppendResult> AppendAsync(RedisAppender appender, string answer) =>
        appender.AppendAsync("t", Encoding.ASCII.GetBytes(answer), idempotencyKey: null, key: null);

    /// <summary>A single server that answers to each event with its block.</summary>
    [SuppressMessage("Performance", "CA1852", Justification = "The proxy is a subtype.")]
    internal class EchoingRedis : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(IConnectionMultiplexer.GetDatabase) => Create<IDatabase, EchoingRedis>(),
            nameof(IConnectionMultiplexer.GetHashSlot) => -1,
            nameof(IDatabase.ScriptEvaluateAsync) => Task.FromResult(
                RedisResult.Create([.. ((RedisValue[])args![2]!).Skip(4).Chunk(10).Select(values => RedisResult.Create(values[0]))])),
            _ => throw new NotSupportedException(targetMethod.Name),
        };
    }
}
