using System.Reflection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Events.Diagnostics;
using SseApp.Events.Relay;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Events.Replicas;

/// <summary>
/// Keeps this replica's record in the registry: <c>starting</c> until it first passed its readiness checks, then
/// <c>ready</c>, <c>draining</c> the moment a drain begins, removed at the end. Outages of Redis are waited out.
/// </summary>
internal sealed partial class ReplicaRegistration(
    IReplicaRegistry registry,
    ReplicaIdentity identity,
    DrainState drain,
    EventsMetrics metrics,
    ForgedRecords forged,
    SchedulingDelay schedulingDelay,
    WarmUpState warmUp,
    HealthCheckService health,
    IServer server,
    AdminListener admin,
    IHostApplicationLifetime lifetime,
    IConfiguration configuration,
    IOptions<ReplicaOptions> options,
    IOptions<ReplicaRegistryOptions> registryOptions,
    IOptions<RelayOptions> relay,
    TimeProvider time,
    ILogger<ReplicaRegistration> logger,
    ArchiveMetrics? archive = null) : BackgroundService
{
    private static readonly string s_version =
        typeof(ReplicaRegistration).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Uri? _address;
    private ReplicaState? _announced;
    private bool _ready;
    private bool _failing;
    private bool _sawStart;
    private bool _sawWarm;

    /// <summary>Completes when the gateways have been told that this replica is draining, and get another one's address from now on.</summary>
    public Task Left => _left.Task;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await registry.RemoveAsync(identity.Id, cancellationToken).WaitAsync(TimeSpan.FromSeconds(1), time, cancellationToken);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is OperationCanceledException)
        {
            LogRemoveFailed(identity.Id, RedisErrors.Reason(exception));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var drainChange = drain.NextChange;
            await BeatAsync(stoppingToken);
            // The end of the start and every change of the drain end the wait: gateways hear of them within milliseconds.
            using var wake = CancellationTokenSource.CreateLinkedTokenSource(
                [stoppingToken, drainChange, Unless(_sawStart, lifetime.ApplicationStarted), Unless(_sawWarm, warmUp.Done)]);
            await Task.Delay(registryOptions.Value.HeartbeatInterval, time, wake.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A token whose cancellation a beat has seen already would turn the wait into a spin.
    private static CancellationToken Unless(bool seen, CancellationToken token) => seen ? CancellationToken.None : token;

    private async Task BeatAsync(CancellationToken stoppingToken)
    {
        _sawStart = lifetime.ApplicationStarted.IsCancellationRequested;
        _sawWarm = warmUp.Done.IsCancellationRequested;
        var address = _address ?? AdvertisedAddressResolver.Resolve(
            options.Value.AdvertisedAddress,
            configuration["POD_IP"],
            admin.Without(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []),
            AdvertisedAddressResolver.FindLocalAddress);
        if (address is null || address.Port == 0)
        {
            // The server is not bound yet.
            return;
        }

        if (_sawStart)
        {
            // Until then the server has what Urls says; configured endpoints may take its place.
            _address = address;
        }

        try
        {
            var state = await StateAsync(stoppingToken);
            await registry.WriteAsync(CreateRecord(address, state), announce: state != _announced, stoppingToken)
                .WaitAsync(registryOptions.Value.Expiry, time, stoppingToken);
            if (state != _announced || _failing)
            {
                LogState(identity.Id, state, address);
            }

            _announced = state;
            _failing = false;
            if (state == ReplicaState.Draining)
            {
                _left.TrySetResult();
            }
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            if (!_failing)
            {
                LogWriteFailed(RedisErrors.Reason(exception));
            }

            // Whether the last record is still there nobody knows: announce the next one.
            _failing = true;
            _announced = null;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task<ReplicaState> StateAsync(CancellationToken stoppingToken)
    {
        if (drain.IsDraining)
        {
            return ReplicaState.Draining;
        }

        if (!_sawStart)
        {
            return ReplicaState.Starting;
        }

        // Later failures are for the gateway's own checks: a record that flaps with every slow ping helps nobody.
        _ready = _ready || (await health.CheckHealthAsync(check => check.Tags.Contains(HealthTags.Ready), stoppingToken)).Status != HealthStatus.Unhealthy;
        return drain.IsDraining ? ReplicaState.Draining : _ready ? ReplicaState.Ready : ReplicaState.Starting;
    }

    private ReplicaRecord CreateRecord(Uri address, ReplicaState state)
    {
        var latency = metrics.TakeDeliveryLatency();
        return new()
        {
            Id = identity.Id,
            Address = address,
            State = state,
            Connections = (int)metrics.ActiveConnections,
            Weight = options.Value.Weight,
            Backup = options.Value.Backup,
            MaxFails = options.Value.MaxFails,
            FailTimeout = options.Value.FailTimeout,
            Relay = relay.Value.Enabled ? RelayProtocol.Version : 0,
            WorkingSetBytes = Environment.WorkingSet,
            Opened = metrics.TotalOpened,
            Refused = metrics.TotalRefused,
            Forged = forged.Total,
            SchedulingDelayMs = Math.Round(schedulingDelay.TakeLongest().TotalMilliseconds, 1),
            DeliveryP50Ms = latency is { } half ? Math.Round(half.P50.TotalMilliseconds, 1) : null,
            DeliveryP99Ms = latency is { } most ? Math.Round(most.P99.TotalMilliseconds, 1) : null,
            HeartbeatAt = time.GetUtcNow(),
            Resumed = metrics.TotalResumed,
            Published = metrics.TotalPublished,
            Delivered = metrics.TotalDelivered,
            Gaps = metrics.TotalGaps,
            Archive = archive?.Report(),
            StartedAt = identity.StartedAt,
            Version = s_version,
        };
    }

    [LoggerMessage(LogLevel.Information, "Replica {Id} is {State} at {Address}.")]
    private partial void LogState(string id, ReplicaState state, Uri address);

    [LoggerMessage(LogLevel.Warning, "The replica registry cannot be written; gateways keep the last known set until Redis is reachable again. {Reason}")]
    private partial void LogWriteFailed(string reason);

    [LoggerMessage(LogLevel.Information, "Replica {Id} could not take itself out of the registry; its record expires by itself. {Reason}")]
    private partial void LogRemoveFailed(string id, string reason);
}
