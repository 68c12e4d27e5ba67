using SseApp.Gateway.Health;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Http;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Canary;

/// <summary>The canary's way, for some streams at once, before the gateway says that it is ready.</summary>
internal sealed class GatewayWarmUp(CanaryIdentity identity, IProxyStateLookup proxy, TimeProvider time) : IWarmUpPath
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    public string Host => identity.Host;

    public string Topic => $"{identity.Topic}.warm";

    public OwnAddress? FindAddress() => identity.FindTarget();

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_poll, time);
        while (proxy.CountReadyReplicas() == 0)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    public void Sign(HttpRequestMessage request) => identity.Sign(request);
}
