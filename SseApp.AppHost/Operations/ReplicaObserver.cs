using System.Collections.Concurrent;
using System.Text.Json;
using SseApp.AppHost.Supervision;

namespace SseApp.AppHost.Operations;

/// <summary>Shows in the dashboard what the gateway knows of each replica, and tells the supervisor; the commands' buttons depend on it.</summary>
internal sealed class ReplicaObserver(
    IResource events, GatewayOperator gateway, ReplicaSigns signs, ResourceNotificationService notifications, IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, string?> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string? State, int? Streams)> _shown = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await Task.WhenAll(FollowAsync(stopping.Token), PollAsync(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var change in notifications.WatchAsync(cancellationToken))
        {
            if (ReferenceEquals(change.Resource, events))
            {
                _names[change.ResourceId] = ReplicaName.Of(change.Snapshot);
            }
        }
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval, TimeProvider.System);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var replicas = await ReadAsync(cancellationToken);
            signs.Replace(replicas.Select(replica => new ReplicaSign(replica.Id, replica.State, TimeSpan.FromMilliseconds(replica.SchedulingDelayMs))));
            foreach (var (id, name) in _names)
            {
                var replica = Array.Find(replicas, candidate => candidate.Id == name);
                if (!_shown.TryGetValue(id, out var shown) || shown != (replica?.State, replica?.Connections))
                {
                    _shown[id] = (replica?.State, replica?.Connections);
                    await notifications.PublishUpdateAsync(events, id, snapshot => snapshot.With(replica));
                }
            }
        }
    }

    private async Task<ReplicaInfo[]> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await gateway.ReplicasAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The gateway starts, is down or hangs, or another program has its port: nothing is known of the replicas.
            return [];
        }
    }
}
