using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Gateway.Clients;

/// <summary>
/// Health checks made on the gateway's own machine, and the gateway's canary. An orchestrator that is sent to HTTPS, or shut out by an
/// address list meant for clients, would take the gateway for dead and restart it; the canary would find nothing.
/// </summary>
internal static class LocalProbes
{
    public static bool IsProbe(HttpContext context) =>
        (context.Request.Path.Value is HealthExtensions.ReadinessPath or HealthExtensions.LivenessPath
            && LoopbackRequests.IsDirect(context))
        || ClientRequest.Of(context).IsCanary;
}
