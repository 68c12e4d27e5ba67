using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Copies the console logs of the resources to the AppHost's log, one category per instance.</summary>
internal sealed partial class ResourceLoggerForwarderService(
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    IHostEnvironment environment,
    ILoggerFactory loggerFactory) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var followers = new ConcurrentDictionary<string, Task>();
        try
        {
            await foreach (var resourceEvent in notifications.WatchAsync(stoppingToken).ConfigureAwait(false))
            {
                _ = followers.GetOrAdd(resourceEvent.ResourceId, id => FollowAsync(resourceEvent.Resource, id, stoppingToken));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(followers.Values).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(IResource resource, string resourceId, CancellationToken stoppingToken)
    {
        var category = resource.GetResolvedResourceNames().Length > 1 ? resourceId : resource.Name;
        var logger = loggerFactory.CreateLogger($"{environment.ApplicationName}.Resources.{category}");
        try
        {
            await foreach (var lines in loggers.WatchAsync(resourceId).WithCancellation(stoppingToken).ConfigureAwait(false))
            {
                foreach (var line in lines)
                {
                    LogLine(logger, line.IsErrorMessage ? LogLevel.Error : LogLevel.Information, line.LineNumber, line.Content);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops: nobody reads the rest.
        }
    }

    [LoggerMessage(Message = "{LineNumber}: {Line}")]
    private static partial void LogLine(ILogger logger, LogLevel level, int lineNumber, string line);
}
