using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;

namespace SseApp.Gateway.Routing;

/// <summary>One state of the Events cluster; <see cref="Expire"/> makes YARP ask for the next.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "YARP may register on the token after it fired; without a timer the source holds nothing but memory.")]
internal sealed class RegistryProxyConfig : IProxyConfig
{
    private readonly CancellationTokenSource _expired = new();

    public RegistryProxyConfig(IReadOnlyList<RouteConfig> routes, ClusterConfig cluster)
    {
        Routes = routes;
        Clusters = [cluster];
        ChangeToken = new CancellationChangeToken(_expired.Token);
    }

    public IReadOnlyList<RouteConfig> Routes { get; }

    public IReadOnlyList<ClusterConfig> Clusters { get; }

    public IChangeToken ChangeToken { get; }

    public void Expire() => _expired.Cancel();
}
