using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>Runs the resources of the model. Registered in run mode by <c>AddOrchestration</c>; the host starts and stops it.</summary>
internal interface IDistributedApplicationOrchestrator
{
    /// <summary>Starts the engine and hands it every resource; returns without waiting for resources that wait for others.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops every resource and the engine.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Starts one instance that is stopped or was not started.</summary>
    Task StartResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken);

    Task StopResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken);

    Task RestartResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken);
}
