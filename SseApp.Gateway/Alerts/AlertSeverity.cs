namespace SseApp.Gateway.Alerts;

internal enum AlertSeverity
{
    /// <summary>Clients are served; look at it today.</summary>
    Warning,

    /// <summary>Clients are not served, or soon will not be; look at it now.</summary>
    Critical,
}
