using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Events.Diagnostics;

internal sealed class ConnectionCount(EventsMetrics metrics) : IConnectionCount
{
    public int Connections => (int)metrics.ActiveConnections;
}
