using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>The sentinels of a connection string that has a <c>serviceName</c>; nothing for any other one.</summary>
internal sealed class RedisSentinels : IAsyncDisposable
{
    private volatile SentinelTunnel? _tunnel;
    private volatile string? _problem;

    public bool AreUsed => _tunnel is not null;

    /// <summary>What is wrong with the setting, as far as sentinels have answered.</summary>
    public string? Problem => _problem;

    /// <summary>Called with what the connection is about to be made by.</summary>
    public void Configure(ConfigurationOptions options)
    {
        if (string.IsNullOrEmpty(options.ServiceName))
        {
            return;
        }

        var sentinels = options.Clone();
        sentinels.ServiceName = null;
        sentinels.DefaultDatabase = null;
        var tunnel = new SentinelTunnel(sentinels, options.ServiceName);
        options.ServiceName = null;
        options.EndPoints.Clear();
        options.EndPoints.Add(tunnel.Name);
        options.Tunnel = tunnel;
        _tunnel = tunnel;
    }

    /// <summary>Sees to it that the connection is one to the primary.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_tunnel is { } tunnel)
            {
                _problem = await tunnel.LookAsync(cancellationToken);
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is SocketException or OperationCanceledException)
        {
            // Without sentinels the connection stays where it is; that Redis does not answer is reported elsewhere.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_tunnel is { } tunnel)
        {
            await tunnel.DisposeAsync();
        }
    }
}

/// <summary>Looks every second who the primary is.</summary>
internal sealed class SentinelWatch(RedisSentinels sentinels, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (sentinels.AreUsed && !stoppingToken.IsCancellationRequested)
        {
            await sentinels.LookAsync(stoppingToken);
            await Task.Delay(s_interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
