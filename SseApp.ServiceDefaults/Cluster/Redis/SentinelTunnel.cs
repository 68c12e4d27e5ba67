using System.Net.Sockets;
using StackExchange.Redis.Configuration;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Connects to the primary that the sentinels name at that moment, and to no other server. The client library's own way knows
/// all servers: one that was the primary, and comes back, is taken for it until the sentinels have made it a replica (10 s), and what is
/// acknowledged meanwhile is lost. It also has no connection at all without a sentinel, and stays with a primary that was replaced on purpose.
/// </summary>
internal sealed class SentinelTunnel(ConfigurationOptions sentinels, string service) : Tunnel, IAsyncDisposable
{
    // Nobody listens there: the attempt fails at once, and the client makes the next one.
    private static readonly IPEndPoint s_nowhere = new(IPAddress.Loopback, 0);

    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private Task<ConnectionMultiplexer>? _connection;

    /// <summary>What the client takes for the address of the server.</summary>
    public EndPoint Name { get; } = new DnsEndPoint(service, 6379);

    public override async ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            return (await FindAsync()).Primary ?? s_nowhere;
        }
#pragma warning disable CA1031 // The client would never try again.
        catch (Exception)
#pragma warning restore CA1031
        {
            return s_nowhere;
        }
    }

    public override ValueTask BeforeSocketConnectAsync(EndPoint endPoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken)
    {
        if (socket is not null)
        {
            lock (_gate)
            {
                _sockets.RemoveAll(static other => other.SafeHandle.IsClosed);
                _sockets.Add(socket);
            }
        }

        return default;
    }

    /// <summary>Cuts connections to a server that is not the primary any more; the client connects again, to the one that is.</summary>
    /// <returns>Why no primary is named, if that is a wrong setting.</returns>
    public async Task<string?> LookAsync(CancellationToken cancellationToken)
    {
        var (found, problem) = await FindAsync();
        if (found is not { } primary)
        {
            return problem;
        }

        IPAddress[] addresses = primary is DnsEndPoint name ? await Dns.GetHostAddressesAsync(name.Host, cancellationToken) : [((IPEndPoint)primary).Address];
        var port = primary is DnsEndPoint { Port: var other } ? other : ((IPEndPoint)primary).Port;
        lock (_gate)
        {
            foreach (var socket in _sockets)
            {
                if (socket.Connected && socket.RemoteEndPoint is IPEndPoint remote
                    && (remote.Port != port || !Array.Exists(addresses, address => address.MapToIPv6().Equals(remote.Address.MapToIPv6()))))
                {
                    socket.Dispose();
                }
            }
        }

        return null;
    }

    /// <summary>The primary by the first sentinel that names one; null when none does, and then why, if that is a wrong setting.</summary>
    public async Task<(EndPoint? Primary, string? Problem)> FindAsync()
    {
        Task<ConnectionMultiplexer> connecting;
        lock (_gate)
        {
            connecting = _connection ??= ConnectionMultiplexer.SentinelConnectAsync(sentinels);
        }

        string? problem = null;
        foreach (var server in (await connecting).GetServers().Where(server => server.IsConnected))
        {
            var named = $"{ClusterRedisExtensions.ConnectionSetting} has serviceName={service}, and {EndPointCollection.ToString(server.EndPoint)}";
            try
            {
                if (await server.SentinelGetMasterAddressByNameAsync(service) is { } primary)
                {
                    return (primary, null);
                }

                problem = $"{named} knows no primary of that name; redis-cli -p 26379 SENTINEL MASTERS lists those that a sentinel knows.";
            }
            catch (RedisServerException exception) when (exception.Message.Contains("unknown command", StringComparison.OrdinalIgnoreCase))
            {
                problem = $"{named} is no sentinel; name the sentinels (port 26379 by default), or take serviceName away for a server or a Redis Cluster.";
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // The next one may know.
            }
        }

        return (null, problem);
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await (await _connection).DisposeAsync();
        }
    }
}
