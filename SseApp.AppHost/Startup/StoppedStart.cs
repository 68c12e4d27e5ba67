namespace SseApp.AppHost.Startup;

/// <summary>
/// Runs the cluster, and ends quietly when it is stopped before it has started, as it does afterwards. The host would report a start
/// that failed, with a stack trace.
/// </summary>
internal sealed class StoppedStart
{
    private IHostApplicationLifetime? _starting;

    public StoppedStart(IDistributedApplicationBuilder builder) => builder.Services.AddLogging(logging =>
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => level >= LogLevel.Information && (level < LogLevel.Error || !IsStopped)));

    private bool IsStopped => Volatile.Read(ref _starting)?.ApplicationStopping.IsCancellationRequested == true;

    public async Task RunAsync(DistributedApplication application)
    {
        await using var running = application;
        Volatile.Write(ref _starting, application.Services.GetRequiredService<IHostApplicationLifetime>());
        try
        {
            await application.StartAsync();
        }
#pragma warning disable CA1031 // What a start throws whose orchestrator is stopped may be of any kind, and nobody asks for it.
        catch (Exception) when (IsStopped)
#pragma warning restore CA1031
        {
            // The orchestrator sees the end of this process, and ends what it has started.
            return;
        }

        Volatile.Write(ref _starting, null);
        await application.WaitForShutdownAsync();
    }
}
