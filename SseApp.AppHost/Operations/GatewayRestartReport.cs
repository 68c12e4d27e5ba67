using System.Net;
using System.Threading.Channels;
using SseApp.AppHost.Supervision;
using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.AppHost.Operations;

/// <summary>Posts restarts to the gateway, which alerts. It may be what crashed, so each record is tried until it is taken.</summary>
internal sealed partial class GatewayRestartReport(GatewayOperator gateway, ILogger<GatewayRestartReport> logger) : BackgroundService, IRestartReport
{
    private const int MaxWaiting = 200;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

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
        while (true)
        {
            try
            {
                await gateway.ReportAsync(restart, stoppingToken);
                return;
            }
            catch (HttpRequestException exception) when (exception.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError)
            {
                LogRefused(restart.Id, exception.Message);
                return;
            }
            catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                // The gateway is down, starts, or has no Redis to write it to.
            }

            await Task.Delay(s_pause, TimeProvider.System, stoppingToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The gateway did not accept the report that {Id} restarted, so no alert can be raised: {Reason}")]
    private partial void LogRefused(string id, string reason);
}
