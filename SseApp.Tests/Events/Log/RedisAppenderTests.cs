using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using SseApp.Events.Publishing;
using SseApp.ServiceDefaults.Cluster.Protocol;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Log;

public sealed class RedisAppenderTests
{
    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_its_publish_and_no_later_one()
    {
        var faults = new List<Exception>();
        var appender = new RedisAppender(
            DispatchProxy.Create<IConnectionMultiplexer, EchoingRedis>(), new ClusterOptions(), new TopicLogOptions(), TimeProvider.System, static _ => { }, faults.Add);

        var damaged = AppendAsync(appender, "no number");
        var told = await Assert.ThrowsAsync<RedisClientException>(() => damaged.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal(PublishOutcome.Unknown, PublishErrors.Outcome(told));
        Assert.IsType<FormatException>(Assert.Single(faults));

        var later = await AppendAsync(appender, "1 7 0").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(7, later.Position.Offset);
    }

    [Fact]
    public async Task Whatever_the_client_throws_nobody_is_told_that_nothing_was_stored()
    {
        var faults = new List<Exception>();
        var appender = new RedisAppender(
            DispatchProxy.Create<IConnectionMultiplexer, EchoingRedis>(), new ClusterOptions(), new TopicLogOptions(), TimeProvider.System, static _ => { }, faults.Add);

        var failed = await Assert.ThrowsAsync<RedisClientException>(() => AppendAsync(appender, "!").WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal((true, PublishOutcome.Unknown), (RedisErrors.IsUnavailable(failed), PublishErrors.Outcome(failed)));
        Assert.IsType<FormatException>(Assert.Single(faults));
        Assert.Equal(7, (await AppendAsync(appender, "1 7 0").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Position.Offset);
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
            nameof(IDatabase.ScriptEvaluateAsync) when (RedisValue)((RedisValue[])args![2]!)[4] == "!" => Task.FromException<RedisResult>(new FormatException()),
            nameof(IDatabase.ScriptEvaluateAsync) => Task.FromResult(
                RedisResult.Create([.. ((RedisValue[])args![2]!).Skip(4).Chunk(10).Select(values => RedisResult.Create(values[0]))])),
            _ => throw new NotSupportedException(targetMethod.Name),
        };
    }
}
