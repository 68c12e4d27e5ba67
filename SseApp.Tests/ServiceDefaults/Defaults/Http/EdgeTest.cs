using SseApp.Events.Replicas;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>A gateway in front of a real replica, for what must hold at both.</summary>
public abstract class EdgeTest(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    internal RedisServer Server => redis;

    /// <summary>Starts both. The replica is asked for streams over a relay connection, or one by one.</summary>
    internal async Task<(GatewayHost Gateway, EventsHost Replica)> StartAsync(bool relay = true, params (string Key, string Value)[] settings)
    {
        var replica = Own(await EventsHost.StartAsync(redis, null, [.. settings.Where(setting => setting.Key.StartsWith("Hosts:", StringComparison.Ordinal))]));
        await Registry.WriteAsync(
            new ReplicaRecord { Id = replica.Get<ReplicaIdentity>().Id, Address = replica.Address, State = ReplicaState.Ready, Relay = relay ? RelayProtocol.Version : 0 }, announce: true, Cancellation);
        var gateway = await GatewayAsync(settings);
        await UntilAsync(() => gateway.AvailableReplicas() >= 1, "the replica to be routed to");
        return (gateway, replica);
    }

    /// <summary>The address of the gateway or of the replica.</summary>
    internal async Task<Uri> AddressAsync(string service, params (string Key, string Value)[] settings)
    {
        var (gateway, replica) = await StartAsync(relay: service != "gateway without relay", settings);
        return service == "replica" ? replica.Address : gateway.Address;
    }
}
