namespace SseApp.Gateway.Operators;

/// <summary>One replica as the operator API shows it.</summary>
/// <param name="Id">Id in the registry.</param>
/// <param name="Address">Where the gateway reaches it.</param>
/// <param name="State"><c>starting</c>, <c>ready</c>, <c>draining</c>, or <c>drained</c> when the last stream has ended.</param>
/// <param name="Health"><c>healthy</c>, <c>unhealthy</c> or <c>unknown</c>, as this gateway finds; <c>none</c> while it is not routed to.</param>
/// <param name="Connections">Streams open on the replica, at its last heartbeat.</param>
/// <param name="Streams">Streams that this gateway forwards to it now.</param>
/// <param name="Weight">Share of the load relative to the others.</param>
/// <param name="Backup">Gets traffic only while no primary is available.</param>
/// <param name="WorkingSet">Bytes of resident memory.</param>
/// <param name="StartedAt">Start of its process.</param>
/// <param name="UptimeSeconds">Whole seconds since then.</param>
/// <param name="Version">Version of its assembly.</param>
internal sealed record ReplicaView(
    string Id,
    Uri Address,
    string State,
    string Health,
    int Connections,
    int Streams,
    int Weight,
    bool Backup,
    long WorkingSet,
    DateTimeOffset StartedAt,
    long UptimeSeconds,
    string Version);
