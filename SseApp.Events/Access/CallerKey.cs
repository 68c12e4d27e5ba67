using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Access;

/// <summary>What a client's limits and idempotency keys are counted under: its principal, or its address if it sent no credential.</summary>
internal static class CallerKey
{
    public static string Of(HttpContext context) => Caller.Of(context).Key is { Length: > 0 } key ? key : ClientAddress.KeyOf(context);
}
