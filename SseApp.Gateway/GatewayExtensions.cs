using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SseApp.Gateway.AccessLog;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Compression;
using SseApp.Gateway.Console;
using SseApp.Gateway.Forwarding;
using SseApp.Gateway.Health;
using SseApp.Gateway.Limits;
using SseApp.Gateway.Operators;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Relay;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Routing;
using SseApp.Gateway.Security;
using SseApp.Gateway.Streams;
using SseApp.Gateway.Telemetry;
using SseApp.Gateway.Tls;
using SseApp.ServiceDefaults.Cluster.Replicas;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace SseApp.Gateway;

internal static class GatewayExtensions
{
    /// <summary>Adds the gateway: the Events cluster from the registry, and what section <c>ReverseProxy</c> adds to it.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddReplicaRegistry();
        services.AddValidatedOptions<UpstreamOptions>(UpstreamOptions.SectionName);
        services.AddValidatedOptions<BalancingOptions>(BalancingOptions.SectionName);
        services.AddValidatedOptions<ReplicaHealthOptions>(ReplicaHealthOptions.SectionName);
        services.AddValidatedOptions<RefusalOptions>(RefusalOptions.SectionName);
        services.AddValidatedOptions<LimitsOptions>(LimitsOptions.SectionName);
        services.AddValidatedOptions<CrossOriginOptions>(CrossOriginOptions.SectionName);
        services.AddValidatedOptions<ProxiesOptions>(ProxiesOptions.SectionName);
        services.AddValidatedOptions<AccessOptions>(AccessOptions.SectionName);
        services.AddValidatedOptions<ResponseHeadersOptions>(ResponseHeadersOptions.SectionName);
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, KestrelSetup>();

        services.AddSingleton<ReplicaDirectory>();
        services.AddHostedService<ReplicaDirectoryUpdater>();
        services.AddSingleton<EventsCluster>();
        services.AddSingleton<LostReplicas>();
        services.AddHostedService(provider => provider.GetRequiredService<LostReplicas>());
        services.AddSingleton<RefusalWriter>();
        services.AddSingleton<ReplayBudget>();
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<AccessRules>();
        services.AddSingleton<RequestRates>();
        services.AddSingleton(provider =>
        {
            var limits = provider.GetRequiredService<IOptions<LimitsOptions>>().Value;
            return new StreamCounts(limits.StreamsPerAddress, limits.StreamsPerGateway);
        });
        services.AddSingleton<IConfigureOptions<RequestTimeoutOptions>, RequestTimeoutSetup>();
        services.AddRequestTimeouts();
        services.AddCors();
        services.AddSingleton<IConfigureOptions<CorsOptions>, CrossOriginSetup>();
        services.AddCompression();
        builder.AddTls();
        builder.AddAccessLog();
        services.AddAlerts();
        services.AddOperator();

        services.AddOperations();

        services.AddReverseProxy()
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .AddConfigFilter<ClusterDefaults>()
            .AddTransforms<ForwardedHeaderTransforms>()
            .AddTransforms<OperatorTransform>()
            .AddTransforms<RefusedStreamTransform>()
            .AddTransforms<UnaskedStreamTransform>();
        services.GuardConfiguredServices();
        services.AddSingleton<IForwarderHttpClientFactory, UpstreamClientFactory>();
        services.AddRelay();
        services.AddSingleton<IProxyConfigProvider, RegistryProxyConfigProvider>();
        services.AddBalancing();
        services.AddSingleton<IPassiveHealthCheckPolicy, MaxFailsHealthPolicy>();

        services.AddHealthChecks().AddCheck<ReplicasHealthCheck>("replicas", tags: [HealthTags.Ready]);
        return builder;
    }

    /// <summary>Maps routes of the proxy, the operator API and the console.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.UseAccessLog();
        app.UseClientAddress();
        app.UseResponseHeaders();
        app.UseMiddleware<AccessMiddleware>();
        app.UseTls();
        app.UseCompression();
        app.UseMiddleware<ConsoleMiddleware>();
        app.UseRouting();
        app.UseCors();
        app.UseRequestTimeouts();
        app.MapReplicas();
        app.MapOperator();
        app.MapReload();
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<StreamLimitMiddleware>();
            proxy.UseMiddleware<PublishLimitMiddleware>();
            proxy.UseMiddleware<BodySizeMiddleware>();
            proxy.UseMiddleware<RefusalMiddleware>();
            proxy.UseMiddleware<StreamMiddleware>();
            proxy.UseMiddleware<PlacementMiddleware>();
            proxy.UseMiddleware<RetryMiddleware>();
            proxy.UseSessionAffinity();
            proxy.UseLoadBalancing();
            proxy.UseMiddleware<LoadMiddleware>();
            proxy.UsePassiveHealthChecks();
            proxy.UseMiddleware<AttemptMiddleware>();
        });
        app.MapFallback("{*path}", context => Problems.WriteAsync(
            context, StatusCodes.Status404NotFound, $"The gateway has no route for {context.Request.Path}."));
        return app;
    }

    private static void GuardConfiguredServices(this IServiceCollection services)
    {
        var section = services.Last(service => service.ServiceType == typeof(IProxyConfigProvider));
        services.Remove(section);
        services.AddSingleton<IProxyConfigProvider>(provider => ActivatorUtilities.CreateInstance<ConfiguredServices>(
            provider, (IProxyConfigProvider)section.ImplementationFactory!(provider)));
    }
}
