using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.Gateway.AccessLog;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Canary;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Compression;
using SseApp.Gateway.Console;
using SseApp.Gateway.Forwarding;
using SseApp.Gateway.Health;
using SseApp.Gateway.Limits;
using SseApp.Gateway.LiveState;
using SseApp.Gateway.Operators;
using SseApp.Gateway.Pages;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Relay;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Routing;
using SseApp.Gateway.Security;
using SseApp.Gateway.Streams;
using SseApp.Gateway.Telemetry;
using SseApp.Gateway.Tls;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway;

internal static class GatewayExtensions
{
    /// <summary>Adds the gateway. Each feature brings its own options.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<GatewayMetrics>();
        services.AddHostedService(static provider => provider.GetRequiredService<GatewayMetrics>());
        services.AddClients();
        services.AddReplicas();
        services.AddRefusals();
        services.AddReverseProxy()
            .AddRoutes(builder.Configuration)
            .AddTransforms(ForwardedHeaderTransforms.Apply)
            .AddTransforms(OperatorTransform.Apply)
            .AddTransforms(CanaryExtensions.Apply)
            .AddTransforms(OriginMiddleware.Apply)
            .AddTransforms(SpreadTransform.Apply)
            .AddTransforms(CredentialTransform.Apply)
            .AddTransforms(RefusedStreamTransform.Apply)
            .AddTransforms(UnaskedStreamTransform.Apply)
            .AddTransforms(StoredTransform.Apply);
        services.AddBalancing();
        services.AddReplicaHealth();
        services.AddForwarding();
        services.AddRelay();
        services.AddStreams();
        services.AddLimits();
        services.AddSingleton(provider => new DescriptorPromise(
            $"{LimitsOptions.SectionName}:{nameof(LimitsOptions.StreamsPerGateway)}",
            provider.GetRequiredService<IOptions<LimitsOptions>>().Value.StreamsPerGateway,
            provider.GetRequiredService<IOptions<RelayOptions>>().Value.Enabled ? 1 : 2,
            "streams"));
        services.AddSecurity();
        builder.AddTls();
        services.AddCompression();
        builder.AddAccessLog();
        services.AddPages();
        services.AddAlerts();
        services.AddOperators();
        builder.AddCanary();
        services.AddLiveState();
        return builder;
    }

    /// <summary>Maps routes of the proxy, the console and the user's own pages, and, on a listener of its own, the operator API.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        // What the request asks for is known before anything else; the access log stands outside all that answers, and what is
        // asked under a name that is not ours is answered first. The
        // client's address comes next, because access lists, limits, balancing and log use it. Headers are on every answer, and access
        // lists apply to redirects to HTTPS as well; compression encloses what writes bodies. CORS and time limits belong to a route.
        app.UseUnreadBodies();
        app.UseClientRequest();
        app.UseCanary();
        app.UseAccessLog();
        app.UseResponseHeaders();
        app.UseReadableRefusals();
        app.UseMiddleware<RefusalPaceMiddleware>();
        app.UseAllowedHosts();
        app.UseBareAnswers(Refusal.Failed.Reason, isAnothers: IsAnothers);
        app.UseMisdirected();
        app.UseMiddleware<HeadSizeMiddleware>();
        app.UseMiddleware<ResponseRateMiddleware>();
        // Lists of clients' addresses, redirects and headers for clients are nothing to operators.
        app.UseAdmin(
            static admin =>
            {
                admin.MapOperators();
                admin.MapLiveState();
                admin.MapOperatorConsole();
            },
            static open =>
        {
            open.UseCompression();
            open.UseOperatorConsole();
        });
        app.UseClientAddress();
        app.UseForwardedHosts();
        app.UseMiddleware<AccessMiddleware>();
        app.UseTls();
        app.UseCompression();
        app.UseConsole();
        app.UsePrincipals();
        app.UseRouting();
        app.UseCors();
        // After CORS: a preflight has no credential.
        app.UseNeeds();
        app.UseRequestTimeouts();
        app.MapConsole();

        // Limits come first: what they refuse costs nothing further. RefusalMiddleware stands outside all that may fail, so
        // that its answer is the last word; StreamMiddleware outside the attempts, because a stream has one lifetime however
        // many replicas are asked. From RetryMiddleware inwards everything runs once for each attempt: YARP picks a replica,
        // LoadMiddleware counts what was picked, YARP's health check judges how the attempt ended, and AttemptMiddleware,
        // next to the forwarder, ends it in time.
        app.MapReverseProxy(proxy =>
        {
            proxy.UseNoDeletion();
            proxy.UseTopicPaths();
            proxy.UseMiddleware<OriginMiddleware>();
            proxy.UseMiddleware<StreamLimitMiddleware>();
            proxy.UseMiddleware<PublishLimitMiddleware>();
            proxy.UseMiddleware<ReadLimitMiddleware>();
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
        app.MapPages();
        return app;
    }

    // Forwarded, and not failed on the way.
    private static bool IsAnothers(HttpContext context) =>
        context.Features.Get<IReverseProxyFeature>() is { ProxiedDestination: not null } && context.Features.Get<IForwarderErrorFeature>() is null;
}
