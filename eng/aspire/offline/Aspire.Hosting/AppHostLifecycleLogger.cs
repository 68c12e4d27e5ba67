using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

internal sealed partial class AppHostLifecycleLogger(ILogger<DistributedApplication> logger, IConfiguration configuration, DistributedApplicationExecutionContext executionContext) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (executionContext.IsRunMode)
        {
            LogStarting();
            LogDirectory(configuration["AppHost:Directory"]);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (executionContext.IsRunMode)
        {
            LogStarted();
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Distributed application starting.")]
    private partial void LogStarting();

    [LoggerMessage(Level = LogLevel.Information, Message = "Application host directory is: {AppHostDirectory}")]
    private partial void LogDirectory(string? appHostDirectory);

    [LoggerMessage(Level = LogLevel.Information, Message = "Distributed application started. Press Ctrl+C to shut down.")]
    private partial void LogStarted();
}
