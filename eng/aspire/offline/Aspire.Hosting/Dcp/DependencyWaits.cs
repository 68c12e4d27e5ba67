using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dcp;

/// <summary>Resources that are waiting for others, and the ways to end the wait early.</summary>
internal sealed class DependencyWaits(ResourceNotificationService notifications)
{
    private readonly ConcurrentDictionary<IResource, TaskCompletionSource<bool>> _waiting = new();

    /// <returns>Whether the resource is to start; false when somebody stopped it meanwhile.</returns>
    public async Task<bool> WaitAsync(IResource resource, CancellationToken cancellationToken)
    {
        var decision = _waiting.GetOrAdd(resource, static _ => new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var first = await Task.WhenAny(notifications.WaitForDependenciesAsync(resource, ended.Token), decision.Task);
            await first;
            return first != decision.Task || await decision.Task;
        }
        finally
        {
            _waiting.TryRemove(resource, out _);
            await ended.CancelAsync();
        }
    }

    /// <summary>Starts a resource without waiting any longer.</summary>
    /// <returns>Whether the resource was waiting.</returns>
    public bool Release(IResource resource) => Decide(resource, start: true);

    /// <summary>Gives up the start of a resource.</summary>
    /// <returns>Whether the resource was waiting.</returns>
    public bool Abandon(IResource resource) => Decide(resource, start: false);

    private bool Decide(IResource resource, bool start) => _waiting.TryGetValue(resource, out var decision) && decision.TrySetResult(start);
}
