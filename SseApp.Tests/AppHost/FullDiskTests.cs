using SseApp.AppHost.Backplane;
using SseApp.AppHost.Supervision;
using StackExchange.Redis;

namespace SseApp.Tests.AppHost;

/// <summary>The embedded server with its file, started as the AppHost does, when the disk is full.</summary>
public sealed class FullDiskTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_does_not_pass_for_alive_and_has_what_it_acknowledged_when_it_is_started_with_room()
    {
        Assert.SkipUnless(File.Exists(GarnetServerExtensions.ServerPath), "The build had no package of garnet-server.");
        await using var disk = await SmallDisk.MountAsync();
        disk.Require();
        using var secret = new GarnetSecret();
        secret.Write();
        var port = Ports.Next();
        var acknowledged = 0;
        await using (var server = Start(disk, secret, port))
        {
            await UntilAsync(LivenessAnswer.Alive);
            await using var redis = await ConnectionMultiplexer.ConnectAsync(ConfigurationOptions.Parse($"127.0.0.1:{port},password={secret.Password},abortConnect=false"));
            acknowledged = await WriteAsync(redis, acknowledged, 20);
            Assert.Equal(20, acknowledged);
            disk.Fill();
            acknowledged = await WriteAsync(redis, acknowledged, 2_000);

            await UntilAsync(LivenessAnswer.None);
            disk.Free();
            await server.KillAsync();
        }

        await using var again = Start(disk, secret, port);
        await UntilAsync(LivenessAnswer.Alive);
        await using var reader = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},password={secret.Password}");
        for (var i = 0; i < acknowledged; i++)
        {
            Assert.True(await reader.GetDatabase().KeyExistsAsync($"k{i}"), $"k{i} of {acknowledged}");
        }

        Task UntilAsync(LivenessAnswer expected) => Eventually.Async(
            async () => await LivenessProbe.AskServerAsync("127.0.0.1", port, ServerQuestion.Redis(secret.Password), Cancellation) == expected, s_limit, $"the answer {expected}");
    }

    private static async Task<int> WriteAsync(ConnectionMultiplexer redis, int from, int to)
    {
        var data = new byte[60_000];
        try
        {
            while (from < to)
            {
                await redis.GetDatabase().StringSetAsync($"k{from}", data);
                from++;
            }
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            // It takes no more.
        }

        return from;
    }

    private static ChildProcess Start(SmallDisk disk, GarnetSecret secret, int port) => ChildProcess.Start(new ProcessStartInfo(
        "dotnet",
        [
            GarnetServerExtensions.ServerPath, "--port", $"{port}", "--bind", "127.0.0.1", "--config-import-path", secret.File, "--lua", "--lua-transaction-mode", "--memory", "128m", "--index", "16m",
            "--checkpointdir", disk.Folder, "--aof", "--aof-commit-wait", "--recover", "--device-type", "RandomAccess",
        ]));
}
