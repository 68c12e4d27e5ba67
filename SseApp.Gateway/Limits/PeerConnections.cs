using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Holds each client to so many TCP connections, and closes those that send no request, or none any more. Behind a proxy that the gateway knows
/// the peer is the proxy, which speaks for all its clients. So may one on this machine that nobody has told the gateway of:
/// loopback addresses have no limit unless <c>Limits:Clients</c> names them.
/// </summary>
internal sealed class PeerConnections(
    ClientTable clients, IOptions<ProxiesOptions> proxies, IOptions<LimitsOptions> limits, RefusedConnections refused, TimeProvider time)
    : BackgroundService, IPeerLimit
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly AddressList _proxies = AddressList.Parse(nameof(ProxiesOptions.Known), [.. proxies.Value.Known]);
    private readonly ClientCounts _counts = new();

    // Each in the order in which they are due: without a request so far, and those that have had one.
    private readonly ConcurrentQueue<Fresh> _fresh = new();
    private readonly ConcurrentQueue<Fresh> _served = new();

    /// <summary>Clients with a connection that counts.</summary>
    public int Clients => _counts.Clients;

    public bool TryEnter(ConnectionContext connection)
    {
        var peer = PeerOf(connection);
        return _counts.TryAdd(peer.Client, peer.Limit);
    }

    public void Accepted(ConnectionContext connection, ConnectionSlot slot)
    {
        if (!PeerOf(connection).IsProxy)
        {
            var begin = new ConnectionBegin();
            connection.Features.Set(begin);
            var now = time.GetTimestamp();
            var fresh = new Fresh(new(connection, slot, begin), now, now + Ticks(limits.Value.FirstByteTimeout));
            connection.Features.Set(fresh);
            _fresh.Enqueue(fresh);
        }
    }

    public void Leave(ConnectionContext connection)
    {
        connection.Features.Get<Fresh>()?.Release();
        var peer = PeerOf(connection);
        _counts.Remove(peer.Client, peer.Limit);
    }

    public void Return(ConnectionContext connection)
    {
        var peer = PeerOf(connection);
        if (peer.Limit > 0)
        {
            // It was there before the limit was reached.
            _counts.TryAdd(peer.Client, int.MaxValue);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                CloseSilent();
                CloseIdle();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private void CloseSilent()
    {
        var options = limits.Value;
        // The first byte, after a handshake; then the server itself waits for the head (of HTTP/2 it does not).
        var longest = Ticks((2 * options.FirstByteTimeout) + options.RequestHeadersTimeout);
        var now = time.GetTimestamp();
        while (_fresh.TryPeek(out var fresh) && fresh.Due <= now && _fresh.TryDequeue(out fresh))
        {
            if (fresh.Watched is not { Slot.IsClosed: false } watched)
            {
                continue;
            }

            if (watched.Slot.HasServed)
            {
                fresh.Due = now + Idle;
                _served.Enqueue(fresh);
            }
            else if (IsSilent(watched) || now - fresh.Since >= longest)
            {
                refused.Close(watched.Connection, RefusedConnections.NoRequest);
            }
            else
            {
                fresh.Due = now + Ticks(options.FirstByteTimeout);
                _fresh.Enqueue(fresh);
            }
        }
    }

    // The server does it, and sooner, but not over HTTP/2 while PINGs come on a connection that has had a request (seen with Kestrel 10): its
    // client could keep it for ever.
    private void CloseIdle()
    {
        var now = time.GetTimestamp();
        while (_served.TryPeek(out var served) && served.Due <= now && _served.TryDequeue(out served))
        {
            if (served.Watched is not { Slot.IsClosed: false } watched)
            {
                continue;
            }

            if (watched.Slot.IdleFor is { } milliseconds && Ticks(TimeSpan.FromMilliseconds(milliseconds)) >= Idle)
            {
                refused.Close(watched.Connection, RefusedConnections.Idle);
            }
            else
            {
                served.Due = now + Idle;
                _served.Enqueue(served);
            }
        }
    }

    // The next request has begun by then, and its head has come.
    private long Idle => Ticks(limits.Value.KeepAliveTimeout + limits.Value.RequestHeadersTimeout);

    // What has come and was not read yet is no silence of the client's: when thousands connect at once, reading takes seconds.
    private static bool IsSilent(Watched watched) =>
        !watched.Begin.HasByte && watched.Connection.Features.Get<ClientConnection>()?.ReceivedAndRead() is not null;

    // Looked up once, when the connection comes: it is counted out as it was counted in.
    private Peer PeerOf(ConnectionContext connection)
    {
        if (connection.Features.Get<Peer>() is { } known)
        {
            return known;
        }

        var peer = Find(connection.RemoteEndPoint as IPEndPoint);
        connection.Features.Set(peer);
        return peer;
    }

    private Peer Find(IPEndPoint? remote)
    {
        if (remote is not { Address: { } address })
        {
            return Peer.Unlimited;
        }

        if (_proxies.Contains(address))
        {
            return Peer.Proxy;
        }

        var (account, budget, named) = clients.Find(address);
        return budget.Connections == 0 || (!named && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
            ? Peer.Unlimited
            : new Peer(account, budget.Connections, IsProxy: false);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    /// <param name="Client">What the connection is counted by.</param>
    /// <param name="Limit">How many it may have; 0 if nothing is counted.</param>
    /// <param name="IsProxy">It speaks for others.</param>
    private sealed record Peer(ClientKey Client, int Limit, bool IsProxy)
    {
        public static readonly Peer Unlimited = new(default, 0, IsProxy: false);
        public static readonly Peer Proxy = new(default, 0, IsProxy: true);
    }

    /// <param name="Connection">A connection that has had no request when it was put here.</param>
    /// <param name="Slot">Whether it is still that.</param>
    /// <param name="Begin">What has come on it.</param>
    private sealed record Watched(ConnectionContext Connection, ConnectionSlot Slot, ConnectionBegin Begin);

    /// <summary>
    /// A place in the queue. It outlives a connection that ends at once, and must not keep its memory: of ten thousand a second that
    /// come and go a gigabyte would wait here.
    /// </summary>
    private sealed class Fresh(Watched watched, long since, long due)
    {
        private volatile Watched? _watched = watched;

        /// <summary>Null once the connection has ended.</summary>
        public Watched? Watched => _watched;

        /// <summary>When it was accepted.</summary>
        public long Since => since;

        /// <summary>When to look at it next.</summary>
        public long Due { get; set; } = due;

        public void Release() => _watched = null;
    }
}
