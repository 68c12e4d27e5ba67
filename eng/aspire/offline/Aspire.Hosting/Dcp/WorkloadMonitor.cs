using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;
using Aspire.Hosting.Eventing;
using k8s;
using k8s.Autorest;

namespace Aspire.Hosting.Dcp;

/// <summary>Follows the engine's objects and publishes what happens to each instance: state, times, addresses, logs.</summary>
internal sealed class WorkloadMonitor(
    DcpClient client,
    IReadOnlyDictionary<string, DcpWorkload> workloads,
    WorkloadSnapshots snapshots,
    EndpointMap endpoints,
    WorkloadMonitorServices services)
{
    // The last lines of a crash belong before the news of it, but a stuck log must not hold the news back.
    private static readonly TimeSpan s_drainTimeout = TimeSpan.FromSeconds(2);

    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Watcher<Executable>().RunAsync((type, value) => ChangedAsync(type, value, value.Status?.State, snapshots.Update, cancellationToken), cancellationToken),
        Watcher<Container>().RunAsync((type, value) => ChangedAsync(type, value, value.Status?.State, snapshots.Update, cancellationToken), cancellationToken),
        Watcher<Endpoint>().RunAsync(EndpointChangedAsync, cancellationToken));

    private DcpWatcher<T> Watcher<T>()
        where T : DcpObject, IDcpKind
        => new(client, services.TimeProvider, services.Logger);

    private async Task ChangedAsync<T>(
        WatchEventType type,
        T value,
        string? state,
        Func<DcpWorkload, T, CustomResourceSnapshot, CustomResourceSnapshot> update,
        CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        if (type is WatchEventType.Deleted || !workloads.TryGetValue(value.Metadata.Name, out var workload) || workload.IsRetired(value.Metadata.Uid))
        {
            return;
        }

        workload.Object = value;
        if (!string.IsNullOrEmpty(state) && workload.Logs?.Uid != value.Metadata.Uid)
        {
            workload.Logs?.Dispose();
            workload.Logs = DcpLogFollower.Start(client, value, services.Logs, services.Logger, cancellationToken);
        }

        var hasEnded = ExecutableState.IsFinal(state) || ContainerState.IsFinal(state);

        // What never started has printed nothing, and its log has no end to wait for.
        if (hasEnded && state != ExecutableState.FailedToStart && workload.Logs is { } logs)
        {
            await DrainAsync<T>(workload.Id, logs, cancellationToken);
            if (workload.IsRetired(value.Metadata.Uid))
            {
                return;
            }
        }

        var before = services.Notifications.TryGetCurrentState(workload.Id, out var last) ? last.Snapshot.State?.Text : null;
        await services.Notifications.PublishUpdateAsync(workload.Resource, workload.Id, snapshot => update(workload, value, snapshot));
        if (!services.Notifications.TryGetCurrentState(workload.Id, out var current) || current.Snapshot.State?.Text == before)
        {
            return;
        }

        await services.Children.PublishAsync(workload.Resource, current.Snapshot);
        if (KnownResourceStates.TerminalStates.Contains(current.Snapshot.State?.Text, StringComparer.Ordinal))
        {
            await services.Eventing.PublishAsync(
                new ResourceStoppedEvent(workload.Resource, services.Provider, current), EventDispatchBehavior.NonBlockingSequential, cancellationToken);
        }
    }

    private async Task DrainAsync<T>(string name, DcpLogFollower logs, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        using var timeout = new CancellationTokenSource(s_drainTimeout, services.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await logs.DrainAsync<T>(client, services.TimeProvider, linked.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested &&
            exception is OperationCanceledException or HttpRequestException or HttpOperationException or IOException)
        {
            DcpLog.LogStreamBroken(services.Logger, DcpLogStreams.StdOut, name, exception.Message);
        }
    }

    private async Task EndpointChangedAsync(WatchEventType type, Endpoint endpoint)
    {
        if (type is WatchEventType.Deleted)
        {
            endpoints.Remove(endpoint);
        }
        else
        {
            endpoints.Set(endpoint);
        }

        if (EndpointMap.OwnerOf(endpoint) is not { } owner || !workloads.TryGetValue(owner, out var workload))
        {
            return;
        }

        await services.Notifications.PublishUpdateAsync(workload.Resource, workload.Id, snapshot => workload.Object switch
        {
            Executable executable when !workload.IsRetired(executable.Metadata.Uid) => snapshots.Update(workload, executable, snapshot),
            Container container when !workload.IsRetired(container.Metadata.Uid) => snapshots.Update(workload, container, snapshot),
            _ => snapshot,
        });
    }
}
