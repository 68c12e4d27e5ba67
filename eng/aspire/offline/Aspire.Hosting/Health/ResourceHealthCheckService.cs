using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Health;

internal sealed class ResourceHealthCheckService : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
}
