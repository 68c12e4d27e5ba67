namespace SseApp.Gateway.Alerts;

/// <summary>Drives the <see cref="AlertEngine"/>.</summary>
internal sealed partial class AlertService(
    AlertEngine engine, IOptions<AlertsOptions> options, TimeProvider time, ILogger<AlertService> logger) : BackgroundService
{
    private static readonly TimeSpan s_finishLimit = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var sending = new CancellationTokenSource();
        using var timer = new PeriodicTimer(options.Value.EvaluateEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await EvaluateAsync(sending.Token);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await engine.FinishAsync(s_finishLimit);
        }

        await sending.CancelAsync();
    }

    private async Task EvaluateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await engine.EvaluateAsync(cancellationToken);
        }
#pragma warning disable CA1031 // Whatever a rule throws, the next evaluation must come: nobody watches the watcher.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "The alert rules could not be evaluated; the next evaluation follows.")]
    private partial void LogFailed(Exception exception);
}
