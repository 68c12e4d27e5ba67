using System.Net.Sockets;
using StackExchange.Redis.Configuration;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Connects to the primary that the sentinels name at that moment, and to no other server. The client library's own way knows
/// all servers: one that was the primary, and comes back, is taken for it until the sentinels have made it a replica (10 s), and what is
/// acknowledged meanwhile is lost. It also has no connection at all without a sentinel, and stays with a primary that was replaced on purpose.
/// </summary>
/// <param name="options">The sentinels, and what is said to them and to the servers that they name.</param>
/// <param name="service">What they call the primary.</param>
internal sealed class SentinelTunnel(ConfigurationOptions options, string service) : Tunnel, IAsyncDisposable
{
    // While it is waited for nobody else is asked.
    private const int MaxConnectTimeout = 2_000;

    // Nobody listens there: the attempt fails at once, and the client makes the next one.
    private static readonly IPEndPoint s_nowhere = new(IPAddress.Loopback, 0);

    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private readonly SemaphoreSlim _asking = new(1);
    private ConnectionMultiplexer? _named;
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

    /// <summary>
    /// The primary by the first sentinel that names one which says so itself: a sentinel that was away names the one of before. When
    /// nobody whom they name can be asked, the first of these. Null when none is named, and then why, if that is a wrong setting.
    /// </summary>
    public async Task<(EndPoint? Primary, string? Problem)> FindAsync()
    {
        Task<ConnectionMultiplexer> connecting;
        lock (_gate)
        {
            connecting = _connection ??= ConnectionMultiplexer.SentinelConnectAsync(options.Clone());
        }

        string? problem = null;
        EndPoint? unasked = null;
        foreach (var server in (await connecting).GetServers().Where(server => server.IsConnected))
        {
            var which = $"{ClusterRedisExtensions.ConnectionSetting} has serviceName={service}, and {EndPointCollection.ToString(server.EndPoint)}";
            try
            {
                if (await server.SentinelGetMasterAddressByNameAsync(service) is { } named)
                {
                    switch (await IsPrimaryAsync(named))
                    {
                        case true:
                            return (named, null);
                        case null:
                            unasked ??= named;
                            break;
                    }

                    continue;
                }

                problem = $"{which} knows no primary of that name; redis-cli -p 26379 SENTINEL MASTERS lists those that a sentinel knows.";
            }
            catch (RedisServerException exception) when (exception.Message.Contains("unknown command", StringComparison.OrdinalIgnoreCase))
            {
                problem = $"{which} is no sentinel; name the sentinels (port 26379 by default), or take serviceName away for a server or a Redis Cluster.";
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // The next one may know.
            }
        }

        return (unasked, problem);
    }

    /// <summary>Whether the server takes itself for the primary; null when it does not say.</summary>
    private async Task<bool?> IsPrimaryAsync(EndPoint named)
    {
        await _asking.WaitAsync();
        try
        {
            // One that broke is not waited for: a new one finds a server that has just come back sooner than the library's own attempts.
            if (_named is not { IsConnected: true } || !_named.GetEndPoints()[0].Equals(named))
            {
                await (_named?.DisposeAsync() ?? default);
                _named = null;
                var server = options.Clone();
                server.EndPoints.Clear();
                server.EndPoints.Add(named);
                server.AbortOnConnectFail = true;
                server.ConnectTimeout = Math.Min(server.ConnectTimeout, MaxConnectTimeout);
                server.ConnectRetry = 1;
                // No second connection for subscriptions.
                server.CommandMap = CommandMap.Create(["SUBSCRIBE"], available: false);
                _named = await ConnectionMultiplexer.ConnectAsync(server);
            }

            return await _named.GetServer(named).RoleAsync() is Role.Master;
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            // It does not answer, or not that to this user: what is wrong shows where it is used.
            return null;
        }
        finally
        {
            _asking.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _asking.Dispose();
        await (_named?.DisposeAsync() ?? default);
        if (_connection is not null)
        {
            await (await _connection).DisposeAsync();
        }
    }
}
