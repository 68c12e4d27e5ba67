using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.Events.Replicas;

public sealed class MemoryGuardTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Room = 40 << 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_replica_that_grows_beyond_its_limit_ends_its_streams_cleanly_and_exits_with_87()
    {
        await redis.RequireAsync();
        long atRest;
        await using (var unlimited = Replica("unlimited", "0"))
        {
            await unlimited.StartAsync();
            atRest = unlimited.Process.ResidentBytes;
        }

        await using var replica = Replica("growing", (atRest + Room).ToString(CultureInfo.InvariantCulture));
        await replica.StartAsync();
        using var client = new HttpClient { BaseAddress = replica.Address, Timeout = s_limit };
        await using var reader = await SseReader.OpenAsync(client, "/events?topic=quiet");
        await reader.OpenedAsync();

        // Nobody reads these, so what is published waits for them in the replica's memory.
        using var stuck = await RawStream.ConnectAsync(replica.Address, receiveBuffer: 4096);
        await stuck.OpenAsync("topic=bulk");
        var bytes = new string('x', 60_000);
        var ended = reader.NextAsync(s_limit);
        await Eventually.Async(
            async () =>
            {
                for (var i = 0; i < 10 && !ended.IsCompleted; i++)
                {
                    using var published = await client.PostAsync("/topics/bulk/events", new StringContent(bytes), TestContext.Current.CancellationToken);
                    Assert.True(published.IsSuccessStatusCode, $"A publish was answered {published.StatusCode}.");
                }

                return ended.IsCompleted;
            },
            s_limit,
            $"the drain of a replica of {new ByteSize(replica.Process.ResidentBytes)} at rest {new ByteSize(atRest)}");

        // A reset would throw here; a clean end is null.
        Assert.Null(await ended);
        await replica.Process.WaitForExitAsync().WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCodes.MemoryGuard, replica.Process.ExitCode);
    }

    [Theory]
    [InlineData("500MB", 500L << 20)]
    [InlineData("1.5gb", 1536L << 20)]
    [InlineData("64 KB", 64L << 10)]
    [InlineData("524288000", 524_288_000)]
    public void A_size_is_read_with_and_without_unit(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1MB")]
    [InlineData("5 apples")]
    public void What_is_no_size_is_refused_with_an_example(string text) =>
        Assert.Contains("500MB", Assert.Throws<FormatException>(() => ByteSize.Parse(text)).Message, StringComparison.Ordinal);

    private ServiceProcess Replica(string name, string limit) => new(name, "SseApp.Events", new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["ConnectionStrings__redis"] = redis.ConnectionString,
        ["MemoryGuard__Limit"] = limit,
        ["MemoryGuard__Duration"] = "00:00:00.500",
        ["Drain__Window"] = "00:00:00.500",
        ["Streaming__MaxBacklogBytes"] = "1000000000",
        ["Streaming__MaxBacklogAge"] = "01:00:00",
    });
}
