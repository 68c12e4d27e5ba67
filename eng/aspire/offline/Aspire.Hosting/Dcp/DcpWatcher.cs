using Aspire.Hosting.Dcp.Model;
using k8s;
using k8s.Autorest;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

/// <summary>Follows all objects of one kind for as long as the run lasts, across lost connections.</summary>
internal sealed class DcpWatcher<T>(DcpClient client, TimeProvider timeProvider, ILogger logger)
    where T : DcpObject, IDcpKind
{
    private static readonly TimeSpan s_reconnectDelay = TimeSpan.FromMilliseconds(200);
    private readonly Dictionary<string, T> _known = new(StringComparer.Ordinal);

    /// <summary>Calls <paramref name="onChange"/> for each change, one at a time, until cancelled.</summary>
    public async Task RunAsync(Func<WatchEventType, T, Task> onChange, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await ForgetVanishedAsync(onChange, cancellationToken);
                await foreach (var (type, value) in client.WatchOnceAsync<T>(cancellationToken))
                {
                    await DeliverAsync(type, value, onChange);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or HttpOperationException or OperationCanceledException)
            {
                DcpLog.WatchEnded(logger, T.Plural, exception.Message);
            }

            try
            {
                await Task.Delay(s_reconnectDelay, timeProvider, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // A new watch replays what exists, but cannot tell what vanished while nobody was listening.
    private async Task ForgetVanishedAsync(Func<WatchEventType, T, Task> onChange, CancellationToken cancellationToken)
    {
        if (_known.Count == 0)
        {
            return;
        }

        var existing = (await client.ListAsync<T>(cancellationToken)).Select(item => item.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _known.Values.Where(item => !existing.Contains(item.Metadata.Name)).ToList())
        {
            await DeliverAsync(WatchEventType.Deleted, gone, onChange);
        }
    }

    private async Task DeliverAsync(WatchEventType type, T value, Func<WatchEventType, T, Task> onChange)
    {
        if (type is WatchEventType.Deleted)
        {
            _known.Remove(value.Metadata.Name);
        }
        else
        {
            _known[value.Metadata.Name] = value;
        }

        try
        {
            await onChange(type, value);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // One object that cannot be shown must not end the watch of all others.
            DcpLog.UpdateFailed(logger, exception, value.Metadata.Name);
        }
    }
}
