using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SseApp.AppHost.Supervision;
using SseApp.ServiceDefaults.Replicas;

namespace SseApp.AppHost.Operations;

/// <summary>Posts restarts to the gateway, which alerts. It may be what crashed, so each record is tried for a while.</summary>
internal sealed partial class GatewayRestartReport(GatewayOperator gateway, ILogger<GatewayRestartReport> logger) : BackgroundService, IRestartReport
{
    private const int MaxWaiting = 200;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Channel<RestartRecord> _waiting = Channel.CreateBounded<RestartRecord>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest });

    public void Add(RestartRecord restart) => _waiting.Writer.TryWrite(restart);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var restart in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            await SendAsync(restart, stoppingToken);
        }
    }

    private async Task SendAsync(RestartRecord restart, CancellationToken stoppingToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await gateway.ReportAsync(restart, stoppingToken);
                return;
            }
            catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                if (TimeProvider.System.GetElapsedTime(started) > s_patience)
                {
                    LogGivenUp(restart.Id, exception.Message);
                    return;
                }
            }

            await Task.Delay(s_pause, TimeProvider.System, stoppingToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The gateway could not be told of the restart of {Id}, so there is no alert of it: {Reason}")]
    private partial void LogGivenUp(string id, string reason);
}
