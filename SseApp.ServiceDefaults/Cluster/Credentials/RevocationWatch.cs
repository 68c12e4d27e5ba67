using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Learns what is revoked: at once from the channel, and by a look every second, because announcements can be lost. While Redis
/// is away the list stays as it is.
/// </summary>
internal sealed partial class RevocationWatch(RevocationStore store, Revocations known, TimeProvider time, ILogger<RevocationWatch> logger) : BackgroundService
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_readAll = TimeSpan.FromMinutes(5);

    private ChannelMessageQueue? _announced;
    private long _readAllAt;
    private bool _isAway;

    /// <summary>Before the server listens, if Redis is there.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!store.IsShared)
        {
            known.SetRead();
            return;
        }

        await LookAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await LookAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
        finally
        {
            _announced?.Unsubscribe(CommandFlags.FireAndForget);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!store.IsConnected)
            {
                throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "there is no connection");
            }

            // Before the reading, so that nothing falls between.
            _announced ??= await store.SubscribeAsync(cancellationToken);
            if (!known.IsRead || time.GetElapsedTime(_readAllAt) >= s_readAll)
            {
                await store.ReadAllAsync(cancellationToken);
                _readAllAt = time.GetTimestamp();
                known.SetRead();
            }
            else
            {
                await store.ReadNewAsync(cancellationToken);
            }

            if (_isAway)
            {
                _isAway = false;
                LogBack();
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !cancellationToken.IsCancellationRequested)
        {
            if (!_isAway)
            {
                _isAway = true;
                LogAway(known.IsRead ? "what was revoked before stays so" : "it was never read, so no credential counts until it is", exception.Message.ReplaceLineEndings(" "));
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The list of revoked credentials cannot be read from Redis; {Consequence}: {Reason}")]
    private partial void LogAway(string consequence, string reason);

    [LoggerMessage(LogLevel.Information, "The list of revoked credentials can be read again.")]
    private partial void LogBack();
}
