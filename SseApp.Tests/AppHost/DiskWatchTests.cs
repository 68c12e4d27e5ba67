using Microsoft.Extensions.Logging.Testing;
using SseApp.AppHost.Backplane;

namespace SseApp.Tests.AppHost;

public sealed class DiskWatchTests
{
    [Fact]
    public async Task A_disk_that_fills_is_told_once_and_so_is_that_there_is_room_again()
    {
        long? free = DiskWatch.Low;
        var looks = 0;
        var time = new FakeTimeProvider();
        var log = new FakeLogger<DiskWatch>();
        using var watch = new DiskWatch(
            "/data",
            _ =>
            {
                Interlocked.Increment(ref looks);
                return free;
            },
            time,
            log);
        await watch.StartAsync(TestContext.Current.CancellationToken);
        await LookAsync(null, DiskWatch.Low - 1, 0, null, DiskWatch.Low, (2 * DiskWatch.Low) - 1);
        var told = Assert.Single(log.Collector.GetSnapshot());
        Assert.StartsWith("The disk of /data has 63 MiB left.", told.Message, StringComparison.Ordinal);
        Assert.EndsWith("Backplane:DataDirectory.", told.Message, StringComparison.Ordinal);

        await LookAsync(2 * DiskWatch.Low, DiskWatch.Low);
        Assert.Equal("The disk of /data has room again.", log.Collector.GetSnapshot()[^1].Message);
        Assert.Equal(2, log.Collector.Count);
        await watch.StopAsync(TestContext.Current.CancellationToken);

        async Task LookAsync(params long?[] found)
        {
            foreach (var bytes in found)
            {
                free = bytes;
                var before = Volatile.Read(ref looks);
                // The first look is one of its own.
                await Eventually.Async(
                    () =>
                    {
                        time.Advance(DiskWatch.Interval);
                        return Volatile.Read(ref looks) > before + 1;
                    },
                    TimeSpan.FromSeconds(30),
                    "a look");
            }
        }
    }

    [Fact]
    public void A_folder_that_is_none_has_no_known_room()
    {
        Assert.True(DiskWatch.FreeOf(Path.GetTempPath()) > 0);
        Assert.Null(DiskWatch.FreeOf(""));
    }
}
