using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Connections;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>Closes connections that may not be, counts them by reason, and says so once a minute at most: they may be a flood.</summary>
internal sealed partial class RefusedConnections(SseMeter meter, TimeProvider time, ILogger<RefusedConnections> logger) : IHostedService
{
    /// <summary>The process has as many as it may have in all.</summary>
    public const string Full = "connections";

    /// <summary>Their client has as many as it may.</summary>
    public const string PeerFull = "address-connections";

    /// <summary>They were opened, and nothing came.</summary>
    public const string NoRequest = "no-request";

    /// <summary>They had had a request, and no other came.</summary>
    public const string Idle = "idle";

    /// <summary>Their client took nothing of what there was for it.</summary>
    public const string NotRead = "not-read";

    private static readonly string[] s_reasons = [Full, PeerFull, NoRequest, Idle, NotRead];
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(1);

    private readonly Counter<long> _refused = meter.Meter.CreateCounter<long>(
        MetricNames.ConnectionsRefused, description: "Connections that the service has closed, by reason.");

    private long _nextLog = long.MinValue;
    private long _unreported;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _refused.Begin("reason", s_reasons);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Counts one that has been ended otherwise.</summary>
    public void Count(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Close(ConnectionContext connection, string reason)
    {
        Count(reason);
        Interlocked.Increment(ref _unreported);
        var now = time.GetTimestamp();
        var next = Volatile.Read(ref _nextLog);
        if (now >= next && Interlocked.CompareExchange(ref _nextLog, now + (long)(s_silence.TotalSeconds * time.TimestampFrequency), next) == next)
        {
            LogRefused(Interlocked.Exchange(ref _unreported, 0), connection.RemoteEndPoint?.ToString(), reason);
        }

        _ = EndAsync(connection, reason);
    }

    // Whoever accepts does not wait for it.
    private static async Task EndAsync(ConnectionContext connection, string reason)
    {
        await Task.Yield();
        connection.Abort(new ConnectionAbortedException($"The connection may not be: {reason}."));
        if (reason is Full or PeerFull)
        {
            // The server has not seen it and will not do it.
            await connection.DisposeAsync();
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} connections were closed without a request; the last came from {Remote} ({Reason}). connections: Descriptors:MaxConnections; address-connections: Limits:ConnectionsPerAddress; no-request: Limits:FirstByteTimeout; idle: Limits:KeepAliveTimeout.")]
    private partial void LogRefused(long count, string? remote, string reason);
}
