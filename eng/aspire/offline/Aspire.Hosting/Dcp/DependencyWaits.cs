using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dcp;

/// <summary>Resources that are waiting for others, and the way to start them without waiting any longer.</summary>
internal sealed class DependencyWaits(ResourceNotificationService notifications)
{
    private readonly ConcurrentDictionary<IResource, TaskCompletionSource> _waiting = new();

    public async Task WaitAsync(IResource resource, CancellationToken cancellationToken)
    {
        var release = _waiting.GetOrAdd(resource, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var first = await Task.WhenAny(notifications.WaitForDependenciesAsync(resource, ended.Token), release.Task);
            await first;
        }
        finally
        {
            _waiting.TryRemove(resource, out _);
            await ended.CancelAsync();
        }
    }

    /// <returns>Whether the resource was waiting.</returns>
    public bool Release(IResource resource) => _waiting.TryGetValue(resource, out var release) && release.TrySetResult();
}
