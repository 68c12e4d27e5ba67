using SseApp.ServiceDefaults.Defaults.Http;
using Yarp.ReverseProxy.Configuration.RouteValidators;

namespace SseApp.Gateway.Routing;

internal static class RoutingExtensions
{
    /// <summary>Gives YARP the routes: those of the replicas from the registry, and what section <c>ReverseProxy</c> adds to them.</summary>
    public static IReverseProxyBuilder AddRoutes(this IReverseProxyBuilder proxy, IConfiguration configuration)
    {
        var services = proxy.Services;
        services.AddValidatedOptions<MatchOptions>(MatchOptions.SectionName);
        proxy.LoadFromConfig(configuration.GetSection("ReverseProxy")).AddConfigFilter<ClusterDefaults>();
        var section = services.Last(service => service.ServiceType == typeof(IProxyConfigProvider));
        services.Remove(section);
        services.AddSingleton<IProxyConfigProvider>(provider => ActivatorUtilities.CreateInstance<ConfiguredServices>(
            provider, (IProxyConfigProvider)section.ImplementationFactory!(provider)));
        services.AddSingleton<EventsCluster>();
        services.AddSingleton<IRouteValidator, RoutePolicyValidator>();
        services.AddSingleton<IRouteValidator, OwnPathsValidator>();
        services.AddSingleton<IProxyConfigProvider, RegistryProxyConfigProvider>();
        services.AddSingleton<IHostNames, RouteNames>();
        return proxy;
    }
}
