using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Orchestration;

internal sealed class OrchestratorHostService(IServiceProvider services) : IHostedService
{
    private readonly IDistributedApplicationOrchestrator? _orchestrator = services.GetService<IDistributedApplicationOrchestrator>();

    public Task StartAsync(CancellationToken cancellationToken) => _orchestrator?.StartAsync(cancellationToken) ?? Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _orchestrator?.StopAsync(cancellationToken) ?? Task.CompletedTask;
}
