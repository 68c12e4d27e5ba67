using Microsoft.Extensions.Hosting;

namespace SseApp.Tests.Infrastructure;

public sealed class HostDeathTests
{
    [Fact]
    public async Task A_host_that_ends_because_a_service_failed_says_so_in_the_output_of_the_test()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        HostDeath.Watch(builder, "replica");
        builder.Services.AddHostedService<Failing>();
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);

        await host.WaitForShutdownAsync(TestContext.Current.CancellationToken);

        Assert.Contains("replica, Critical", TestContext.Current.TestOutputHelper!.Output, StringComparison.Ordinal);
        Assert.Contains("It broke.", TestContext.Current.TestOutputHelper.Output, StringComparison.Ordinal);
    }

    private sealed class Failing : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new InvalidOperationException("It broke.");
        }
    }
}
