using Microsoft.AspNetCore.Connections;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Closes what is beyond the limits of connections, of a client and in all. Kestrel has a limit in all of its own
/// (<c>MaxConcurrentConnections</c>), but logs a line for each connection that it refuses and knows no clients.
/// </summary>
internal sealed class ConnectionAdmission(
    DescriptorBudget budget, RefusedConnections refused, IOptions<DescriptorOptions> options, IEnumerable<IPeerLimit> peers, IEnumerable<AcceptGate> gates)
{
    // Probes and operators of this machine still get through when everybody else is refused.
    private const int ReserveOfLoopback = 64;

    private readonly int _max = options.Value.MaxConnections;
    private readonly IPeerLimit? _peers = peers.SingleOrDefault();
    private readonly AcceptGate? _gate = gates.SingleOrDefault();

    /// <returns>False when the connection may not be; it is closed.</returns>
    public bool TryAdmit(ConnectionContext connection)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (_max > 0 && budget.Connections >= _max + (address is null || IPAddress.IsLoopback(address) ? ReserveOfLoopback : 0))
        {
            refused.Close(connection, RefusedConnections.Full);
            return false;
        }

        if (_peers?.TryEnter(connection) == false)
        {
            refused.Close(connection, RefusedConnections.PeerFull);
            return false;
        }

        var slot = budget.Accepted(connection, _peers);
        _peers?.Accepted(connection, slot);
        _gate?.Enter(slot);
        return true;
    }
}
