using SseApp.Bench.Generator;

namespace SseApp.Tests.EndToEnd;

/// <summary>What becomes of a service whose output nobody takes.</summary>
public sealed class StandardOutputTests
{
    private const int Requests = 1_500;

    [LongTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_waits_for_a_log_that_nobody_reads(bool closed)
    {
        await using var redis = new RedisServer();
        await redis.RequireAsync();
        var address = new Uri($"http://127.0.0.1:{Ports.Next()}");
        var start = new ProcessStartInfo("dotnet", [Repository.Assembly("SseApp.Gateway"), $"--urls={address}", "--Admin:Urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft.AspNetCore=Trace", "--Logging:LogLevel:Yarp=Trace"])
        {
            WorkingDirectory = Path.GetDirectoryName(Repository.Assembly("SseApp.Gateway")),
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["ConnectionStrings__redis"] = redis.ConnectionString;
        start.Environment["Security__GatewayKey"] = ClusterKey.Text;
        using var gateway = Process.Start(start)!;
        try
        {
            if (closed)
            {
                gateway.StandardOutput.Close();
            }

            using var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };
            await Eventually.Async(
                async () =>
                {
                    try
                    {
                        return (await client.GetAsync("/alive", TestContext.Current.CancellationToken)).IsSuccessStatusCode;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                TimeSpan.FromSeconds(60),
                "the gateway to answer");

            for (var i = 0; i < Requests; i++)
            {
                using var answer = await client.GetAsync("/topics/a", TestContext.Current.CancellationToken);
            }

            Assert.False(gateway.HasExited);
            Libc.Signal(gateway.Id, Libc.Terminate);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await gateway.WaitForExitAsync(limit.Token);
            Assert.Equal(0, gateway.ExitCode);
        }
        finally
        {
            gateway.Kill(entireProcessTree: true);
        }
    }
}
