namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>What telemetry must not record about outgoing requests.</summary>
public static class RequestTracing
{
    /// <summary>Set to true on a request whose address is a secret: a span would export it.</summary>
    public static readonly HttpRequestOptionsKey<bool> Untraced = new("SseApp.Untraced");
}
