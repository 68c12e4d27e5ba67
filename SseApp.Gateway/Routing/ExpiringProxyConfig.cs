using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;

namespace SseApp.Gateway.Routing;

/// <summary>One state of what a provider gives YARP; <see cref="Expire"/> makes YARP ask for the next.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "YARP may register on the token after it fired; without a timer the source holds nothing but memory.")]
internal sealed class ExpiringProxyConfig : IProxyConfig
{
    private readonly CancellationTokenSource _expired = new();

    public ExpiringProxyConfig(IReadOnlyList<RouteConfig> routes, params IReadOnlyList<ClusterConfig> clusters)
    {
        Routes = routes;
        Clusters = clusters;
        ChangeToken = new CancellationChangeToken(_expired.Token);
    }

    public IReadOnlyList<RouteConfig> Routes { get; }

    public IReadOnlyList<ClusterConfig> Clusters { get; }

    public IChangeToken ChangeToken { get; }

    public void Expire() => _expired.Cancel();
}
