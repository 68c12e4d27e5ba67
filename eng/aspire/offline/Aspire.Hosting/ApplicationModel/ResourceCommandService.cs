using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Executes the commands of resources.</summary>
public partial class ResourceCommandService
{
    private readonly ResourceNotificationService _notifications;
    private readonly ResourceLoggerService _loggers;
    private readonly IServiceProvider _services;

    internal ResourceCommandService(ResourceNotificationService notifications, ResourceLoggerService loggers, IServiceProvider services)
    {
        _notifications = notifications;
        _loggers = loggers;
        _services = services;
    }

    /// <summary>Executes a command on one instance.</summary>
    /// <param name="resourceId">The id of an instance, or the name of a resource that has only one.</param>
    /// <param name="commandName">The command, for example one of <see cref="KnownResourceCommands"/>.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
        => _notifications.TryGetCurrentState(resourceId, out var resourceEvent)
            ? await ExecuteAsync(resourceEvent.Resource, resourceEvent.ResourceId, commandName, cancellationToken).ConfigureAwait(false)
            : CommandResults.Failure($"Resource '{resourceId}' not found.");

    /// <summary>Executes a command on every instance of the resource at the same time.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var names = resource.GetResolvedResourceNames();
        var results = await Task.WhenAll(names.Select(name => ExecuteAsync(resource, name, commandName, cancellationToken))).ConfigureAwait(false);
        if (results.Length == 1)
        {
            return results[0];
        }

        var failures = names.Zip(results).Where(r => r.Second is { Success: false, Canceled: false }).ToArray();
        if (failures.Length == 0)
        {
            return results.Any(r => r.Canceled) ? CommandResults.Canceled() : CommandResults.Success();
        }

        var details = failures.Select(f => $"Resource '{f.First}' failed with error message: {f.Second.Message}");
        return CommandResults.Failure($"{failures.Length} command executions failed.{Environment.NewLine}{string.Join(Environment.NewLine, details)}");
    }

    private async Task<ExecuteCommandResult> ExecuteAsync(IResource resource, string resourceId, string commandName, CancellationToken cancellationToken)
    {
        var logger = _loggers.GetLogger(resourceId);
        var annotation = resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(a => string.Equals(a.Name, commandName, StringComparison.Ordinal));
        if (annotation is null)
        {
            LogNotAvailable(logger, commandName);
            return CommandResults.Failure($"Command '{commandName}' not available for resource '{resourceId}'.");
        }

        LogExecuting(logger, commandName);
        try
        {
            var result = await annotation.ExecuteCommand(new ExecuteCommandContext
            {
                ResourceName = resourceId,
                Services = _services,
                CancellationToken = cancellationToken,
                Logger = logger,
            }).ConfigureAwait(false);
            if (result.Success)
            {
                LogExecuted(logger, commandName);
            }
            else if (!result.Canceled)
            {
                LogFailed(logger, commandName, result.Message);
            }

            return result;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return CommandResults.Canceled();
        }
#pragma warning disable CA1031 // A command is user code; its failure is the command's result.
        catch (Exception ex)
#pragma warning restore CA1031
        {
            LogThrown(logger, ex, commandName);
            return CommandResults.Failure(ex);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Executing command '{CommandName}'.")]
    private static partial void LogExecuting(ILogger logger, string commandName);

    [LoggerMessage(Level = LogLevel.Information, Message = "Successfully executed command '{CommandName}'.")]
    private static partial void LogExecuted(ILogger logger, string commandName);

    [LoggerMessage(Level = LogLevel.Error, Message = "Failure executing command '{CommandName}'. {ErrorMessage}")]
    private static partial void LogFailed(ILogger logger, string commandName, string? errorMessage);

    [LoggerMessage(Level = LogLevel.Error, Message = "Error executing command '{CommandName}'.")]
    private static partial void LogThrown(ILogger logger, Exception exception, string commandName);

    [LoggerMessage(Level = LogLevel.Information, Message = "Command '{CommandName}' not available.")]
    private static partial void LogNotAvailable(ILogger logger, string commandName);
}
