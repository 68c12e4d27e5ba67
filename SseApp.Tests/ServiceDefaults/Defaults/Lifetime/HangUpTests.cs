using SseApp.Bench.Generator;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

public sealed class HangUpTests
{
    private const int HangUpSignal = 1;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("SseApp.Gateway")]
    [InlineData("SseApp.Events")]
    public async Task A_hang_up_drains_and_ends_the_service_as_a_termination_does(string project)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are Unix'.");
        await using var service = new ServiceProcess("hung-up", project, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=50,password=p",
            ["Logging__LogLevel__Default"] = "Information",
            ["Drain__Window"] = "00:00:00.100",
        });
        await service.StartAsync();

        Libc.Signal(service.Process.Id, HangUpSignal);
        await service.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(0, service.Process.ExitCode);
        Assert.Contains("Drained 0 streams", service.Process.Tail(100), StringComparison.Ordinal);
    }
}
