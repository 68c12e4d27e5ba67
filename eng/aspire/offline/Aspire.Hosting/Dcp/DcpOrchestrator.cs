using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;
using Aspire.Hosting.Orchestration;
using k8s.Autorest;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dcp;

/// <summary>Runs the application model's resources on the engine.</summary>
internal sealed class DcpOrchestrator(
    DistributedApplicationModel model,
    DcpHost host,
    DcpInfoReader infoReader,
    ResourceLifecycle lifecycle,
    WorkloadMonitorServices services,
    DistributedApplicationOptions applicationOptions,
    IOptions<DcpOptions> options) : IDistributedApplicationOrchestrator, IAsyncDisposable
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_allocationTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shutdownTimeout = TimeSpan.FromSeconds(14);

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _background = [];
    private Dictionary<string, DcpWorkload> _workloads = new(StringComparer.OrdinalIgnoreCase);
    private WorkloadObjects? _objects;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var resource in model.Resources)
        {
            DcpNames.EnsureInstances(resource);
        }

        _workloads = model.Resources
            .SelectMany(resource => resource.Annotations.OfType<DcpInstancesAnnotation>().SelectMany(annotation => annotation.Instances), (resource, instance) => new DcpWorkload(resource, instance))
            .ToDictionary(workload => workload.Id, StringComparer.OrdinalIgnoreCase);
        var plans = ServicePlan.Create(model, options.Value.RandomizePorts);
        _objects = new WorkloadObjects(plans, BuildConfiguration());
        await lifecycle.InitializeAsync(cancellationToken);

        var containerHost = await PrepareContainersAsync(cancellationToken);
        await host.StartAsync(cancellationToken);
        if (model.Resources.Any(resource => resource.IsContainer()))
        {
            var network = new ContainerNetwork { Metadata = { Name = KnownNetworkIdentifiers.DefaultAspireContainerNetwork.Value } };
            network.Spec.NetworkName = $"aspire-session-network-{DcpNames.RandomSuffix()}";
            await host.Client.CreateAsync(network, cancellationToken);
        }

        await AllocateAsync(plans, containerHost, cancellationToken);
        var endpoints = new EndpointMap();
        var monitor = new WorkloadMonitor(host.Client, _workloads, new WorkloadSnapshots(plans, endpoints), endpoints, services);
        _background.Add(monitor.RunAsync(_stopping.Token));

        // Resources that wait for others must not hold back the host, which shows what they wait for.
        var starts = _workloads.Values.GroupBy(workload => workload.Resource).Select(group => StartReplicasAsync(group.Key, [.. group], _stopping.Token)).ToArray();
        _background.Add(lifecycle.PublishCreatedAsync(Task.WhenAll(starts), _stopping.Token));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        await Task.WhenAll(_background).WaitAsync(cancellationToken);
        if (!host.IsStarted)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(s_shutdownTimeout, services.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await host.Client.StopServerAsync(linked.Token);

            // The answer comes before the work: everything is gone when nobody answers any more.
            while (true)
            {
                await host.Client.ListAsync<Service>(linked.Token);
                await Task.Delay(s_pollInterval, services.TimeProvider, linked.Token);
            }
        }
        catch (HttpRequestException)
        {
            return;
        }
        catch (Exception exception) when (exception is HttpOperationException or OperationCanceledException or IOException)
        {
            DcpLog.StopFailed(services.Logger, exception);
        }
    }

    public async Task StartResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken)
    {
        if (lifecycle.Waits.Release(resource))
        {
            await services.Notifications.PublishUpdateAsync(resource, resourceId, snapshot => snapshot with { State = KnownResourceStates.Starting });
            return;
        }

        var workload = Find(resourceId);
        await workload.Gate.WaitAsync(cancellationToken);
        try
        {
            await StartOneAsync(workload, cancellationToken);
        }
        finally
        {
            workload.Gate.Release();
        }
    }

    public async Task StopResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken)
    {
        // The start holds the gate while it waits for other resources: without this, a stop would wait for them as well.
        // What has not started is stopped once the gate is free. Replicas wait, and give up, together.
        lifecycle.Waits.Abandon(resource);
        var workload = Find(resourceId);
        await workload.Gate.WaitAsync(cancellationToken);
        try
        {
            await StopOneAsync(workload, cancellationToken);
        }
        finally
        {
            workload.Gate.Release();
        }
    }

    public async Task RestartResourceAsync(IResource resource, string resourceId, CancellationToken cancellationToken)
    {
        var workload = Find(resourceId);
        await workload.Gate.WaitAsync(cancellationToken);
        try
        {
            await StopOneAsync(workload, cancellationToken);
            await StartOneAsync(workload, cancellationToken);
        }
        finally
        {
            workload.Gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var timeout = new CancellationTokenSource(s_shutdownTimeout, services.TimeProvider))
        {
            await StopAsync(timeout.Token);
        }

        foreach (var workload in _workloads.Values)
        {
            workload.Dispose();
        }

        host.Dispose();
        _stopping.Dispose();
    }

    private string? BuildConfiguration() =>
        applicationOptions.Assembly?.GetCustomAttributes(typeof(System.Reflection.AssemblyConfigurationAttribute), inherit: false)
            .OfType<System.Reflection.AssemblyConfigurationAttribute>().FirstOrDefault()?.Configuration;

    private DcpWorkload Find(string resourceId) =>
        _workloads.TryGetValue(resourceId, out var workload)
            ? workload
            : throw new InvalidOperationException($"Resource '{resourceId}' is not run by the orchestrator.");

    private async Task<string> PrepareContainersAsync(CancellationToken cancellationToken)
    {
        var containers = model.Resources.Where(resource => resource.IsContainer()).ToList();
        if (containers.Count == 0)
        {
            return KnownHostNames.DockerDesktopHostBridge;
        }

        var info = await infoReader.ReadAsync(cancellationToken);
        if (info.Containers?.Problem is { } problem)
        {
            DcpLog.ContainerRuntimeProblem(services.Logger, problem);
            foreach (var container in containers)
            {
                DcpLog.ContainerRuntimeProblem(services.Logs.GetLogger(container), problem);
            }
        }

        return info.Containers?.HostName ?? KnownHostNames.DockerDesktopHostBridge;
    }

    private async Task AllocateAsync(IReadOnlyList<ServicePlan> plans, string containerHost, CancellationToken cancellationToken)
    {
        await Task.WhenAll(plans.Select(plan => host.Client.CreateAsync(plan.Service, cancellationToken)));
        using var timeout = new CancellationTokenSource(s_allocationTimeout, services.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var pending = plans.ToDictionary(plan => plan.Name, StringComparer.Ordinal);
        try
        {
            while (pending.Count > 0)
            {
                foreach (var service in await host.Client.ListAsync<Service>(linked.Token))
                {
                    if (pending.TryGetValue(service.Metadata.Name, out var plan) && (plan.Service.Spec.Port ?? service.Status?.EffectivePort) > 0)
                    {
                        plan.Allocate(service, containerHost);
                        pending.Remove(plan.Name);
                    }
                }

                if (pending.Count > 0)
                {
                    await Task.Delay(s_pollInterval, services.TimeProvider, linked.Token);
                }
            }
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new DistributedApplicationException(
                $"The orchestrator gave no port to {string.Join(", ", pending.Keys)} within {s_allocationTimeout.TotalSeconds} s.", exception);
        }

        await lifecycle.PublishAllocatedAsync(model.Resources.Where(resource => resource.RequiresOrchestrator()).ToList(), cancellationToken);
    }

    private async Task StartReplicasAsync(IResource resource, DcpWorkload[] workloads, CancellationToken cancellationToken)
    {
        if (resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
        {
            await services.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = KnownResourceStates.NotStarted });
            return;
        }

        foreach (var workload in workloads)
        {
            await workload.Gate.WaitAsync(cancellationToken);
        }

        try
        {
            if (await lifecycle.TryPrepareAsync(resource, resourceId: null, cancellationToken) is { } configuration)
            {
                foreach (var workload in workloads)
                {
                    await CreateAsync(workload, configuration, cancellationToken);
                }
            }
        }
        finally
        {
            foreach (var workload in workloads)
            {
                workload.Gate.Release();
            }
        }
    }

    private async Task StartOneAsync(DcpWorkload workload, CancellationToken cancellationToken)
    {
        await DeleteAsync(workload, cancellationToken);
        if (await lifecycle.TryPrepareAsync(workload.Resource, workload.Id, cancellationToken) is { } configuration)
        {
            await CreateAsync(workload, configuration, cancellationToken);
        }
    }

    private async Task CreateAsync(DcpWorkload workload, ResourceConfiguration configuration, CancellationToken cancellationToken)
    {
        try
        {
            if (workload.IsContainer)
            {
                await host.Client.CreateAsync(_objects!.CreateContainer(workload, configuration), cancellationToken);
            }
            else
            {
                await host.Client.CreateAsync(_objects!.CreateExecutable(workload, configuration), cancellationToken);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            var reason = exception is HttpOperationException refused ? refused.Response.Content : exception.Message;
            await lifecycle.PublishFailureAsync(workload.Resource, workload.Id, reason, exception);
        }
    }

    private async Task StopOneAsync(DcpWorkload workload, CancellationToken cancellationToken)
    {
        var asked = false;
        await UntilAsync(
            workload,
            "stop",
            async token =>
            {
                if (await HasEndedAsync(workload, token))
                {
                    // Whoever asked for the stop may look at the state next. What had ended before may show a text of its own.
                    return !asked || !services.Notifications.TryGetCurrentState(workload.Id, out var current) || HasEnded(current.Snapshot.State?.Text);
                }

                if (!asked)
                {
                    await PatchAsync(workload, new { spec = new { stop = true } }, token);
                    asked = true;
                }

                return false;
            },
            cancellationToken);
    }

    private static bool HasEnded(string? state) =>
        ExecutableState.IsFinal(state) || ContainerState.IsFinal(state) || state == KnownResourceStates.NotStarted;

    private async Task<bool> HasEndedAsync(DcpWorkload workload, CancellationToken cancellationToken) => workload.IsContainer
        ? await host.Client.GetAsync<Container>(workload.Id, cancellationToken) is not { } container || HasEnded(container.Status?.State)
        : await host.Client.GetAsync<Executable>(workload.Id, cancellationToken) is not { } executable || HasEnded(executable.Status?.State);

    private Task PatchAsync(DcpWorkload workload, object patch, CancellationToken cancellationToken) => workload.IsContainer
        ? host.Client.PatchAsync<Container>(workload.Id, patch, cancellationToken)
        : host.Client.PatchAsync<Executable>(workload.Id, patch, cancellationToken);

    private Task DeleteAsync(DcpWorkload workload, CancellationToken cancellationToken)
    {
        workload.Retire(workload.Object?.Metadata.Uid);
        return UntilAsync(
            workload,
            "make room for a new start",
            async token => workload.IsContainer
                ? !await host.Client.DeleteAsync<Container>(workload.Id, token)
                : !await host.Client.DeleteAsync<Executable>(workload.Id, token),
            cancellationToken);
    }

    private async Task UntilAsync(DcpWorkload workload, string goal, Func<CancellationToken, Task<bool>> isDone, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(s_stopTimeout, services.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken, _stopping.Token);
        try
        {
            while (!await isDone(linked.Token))
            {
                await Task.Delay(s_pollInterval, services.TimeProvider, linked.Token);
            }
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new DistributedApplicationException($"Resource '{workload.Id}' did not {goal} within {s_stopTimeout.TotalSeconds} s.", exception);
        }
    }
}
