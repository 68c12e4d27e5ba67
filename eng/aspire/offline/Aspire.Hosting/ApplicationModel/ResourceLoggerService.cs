using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Keeps the console logs of the resources: what their processes print and what the AppHost says about them.</summary>
public class ResourceLoggerService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceLog> _logs = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _lock = new();
    private Action<LogSubscriber>? _subscribersChanged;

    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>A logger that writes to the console log of the resource; to each replica's when there are several.</summary>
    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceLogger([.. resource.GetResolvedResourceNames().Select(GetLog)], TimeProvider);
    }

    /// <summary>A logger that writes to the console log of one resource id.</summary>
    public ILogger GetLogger(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        return new ResourceLogger([GetLog(resourceName)], TimeProvider);
    }

    /// <summary>The lines so far and every line to come, in batches, until the log is completed.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var names = resource.GetResolvedResourceNames();
        return names.Length == 1 ? WatchAsync(names[0]) : WatchAllAsync(names);
    }

    /// <inheritdoc cref="WatchAsync(IResource)" />
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        return GetLog(resourceName).WatchAsync();
    }

    /// <summary>The lines so far.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return ReadAsync(resource.GetResolvedResourceNames());
    }

    /// <inheritdoc cref="GetAllAsync(IResource)" />
    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        return ReadAsync([resourceName]);
    }

    /// <summary>Tells when the first reader of a log arrives and when the last one leaves.</summary>
    public async IAsyncEnumerable<LogSubscriber> WatchAnySubscribersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<LogSubscriber>();
        void Write(LogSubscriber subscriber) => channel.Writer.TryWrite(subscriber);

        lock (_lock)
        {
            _subscribersChanged += Write;
            foreach (var log in _logs.Values.Where(l => l.HasSubscribers))
            {
                Write(new LogSubscriber(log.Name, AnySubscribers: true));
            }
        }

        try
        {
            await foreach (var subscriber in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return subscriber;
            }
        }
        finally
        {
            lock (_lock)
            {
                _subscribersChanged -= Write;
            }
        }
    }

    /// <summary>Ends the resource's log: whoever watches it comes to the end.</summary>
    public void Complete(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        foreach (var name in resource.GetResolvedResourceNames())
        {
            Complete(name);
        }
    }

    /// <inheritdoc cref="Complete(IResource)" />
    public void Complete(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        GetLog(name).Complete();
    }

    /// <summary>Forgets the lines so far.</summary>
    public void ClearBacklog(string resourceName)
    {
        ArgumentNullException.ThrowIfNull(resourceName);
        GetLog(resourceName).Clear();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var log in _logs.Values)
        {
            log.Complete();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Adds a line that a resource printed.</summary>
    /// <param name="resourceName">The resource id.</param>
    /// <param name="timestamp">When it was printed; null when the line carries its own time or none.</param>
    /// <param name="content">The line without its end.</param>
    /// <param name="isErrorMessage">Whether it came from standard error.</param>
    internal void Append(string resourceName, DateTimeOffset? timestamp, string content, bool isErrorMessage)
        => GetLog(resourceName).Append(timestamp, content, isErrorMessage);

    private ResourceLog GetLog(string resourceName) => _logs.GetOrAdd(resourceName, name => new ResourceLog(name, Notify));

    private void Notify(LogSubscriber subscriber)
    {
        lock (_lock)
        {
            _subscribersChanged?.Invoke(subscriber);
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAllAsync(string[] names, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var merged = Channel.CreateUnbounded<IReadOnlyList<LogLine>>();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var readers = names.Select(async name =>
        {
            await foreach (var lines in WatchAsync(name).WithCancellation(stopping.Token).ConfigureAwait(false))
            {
                await merged.Writer.WriteAsync(lines, stopping.Token).ConfigureAwait(false);
            }
        }).ToArray();
        var completion = Task.WhenAll(readers).ContinueWith(
            static (task, writer) => ((ChannelWriter<IReadOnlyList<LogLine>>)writer!).TryComplete(task.Exception?.InnerException),
            merged.Writer,
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);

        try
        {
            await foreach (var lines in merged.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return lines;
            }
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await completion.ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<LogLine>> ReadAsync(string[] names)
    {
        foreach (var name in names)
        {
            var lines = GetLog(name).Read();
            if (lines.Count > 0)
            {
                yield return lines;
            }
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }
}
