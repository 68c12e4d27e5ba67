using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Events.Access;
using SseApp.Events.Archive;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Operators;
using SseApp.Events.Publishing;
using SseApp.Events.Relay;
using SseApp.Events.Replicas;
using SseApp.Events.Streams;
using SseApp.Events.TopicApi;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events;

/// <summary>The whole service, for Program and for tests that run several in one process.</summary>
internal static class EventsService
{
    public static WebApplicationBuilder AddEvents(this WebApplicationBuilder builder)
    {
        // The section of the configuration, which comes later, wins.
        builder.Services.Configure<AdminOptions>(static admin => admin.Urls = AdminOptions.AnyFreePort);
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<EventsMetrics>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EventsMetrics>());
        builder.Services.AddSingleton(services => new ConnectionCount(() => services.GetRequiredService<EventsMetrics>().ActiveConnections));
        builder.AddClusterRedis(HealthStatus.Unhealthy);
        builder.Services.AddAccess<EventsMetrics>();
        builder.AddTopicLog();
        builder.AddArchive();
        builder.AddStreaming();
        builder.Services.AddSingleton(services => new DescriptorPromise(
            $"{StreamingOptions.SectionName}:{nameof(StreamingOptions.MaxConnections)}",
            services.GetRequiredService<IOptions<StreamingOptions>>().Value.MaxConnections,
            Each: 1,
            "streams that do not come over a gateway's relay connections"));
        builder.AddRelay();
        builder.Services.AddValidatedOptions<MemoryOptions>(MemoryOptions.SectionName);
        builder.Services.AddSingleton<RequestBudget>();
        builder.AddPublishing();
        builder.AddReplica();
        builder.Services.AddSingleton<ConnectionList>();
        return builder;
    }

    public static WebApplication MapEvents(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<EventsMetrics>();
        app.UseLateRequests();
        app.UseUnreadBodies();
        app.UseNoSniff();
        app.UseHosts(() => metrics.Refused(HostFilter.Unknown));
        app.UseBareAnswers(RefusalReason.Failed, marked: true);
        app.UseTopicPaths();
        app.UseQueryText();
        app.UseAdmin(MapOperators);
        app.UseGatewayRequests(app.Services.GetRequiredService<ReplicaIdentity>().Id);
        app.UseOperatorRequests(MapOperators);
        app.UseOwnPages();
        // Who asks is known from here on, and every endpoint says what it needs of that.
        app.UseCallers();
        app.UseAuthorization();
        app.MapDefaultEndpoints();
        var routes = app.MapGroup("").AnswerHeadAsGet();
        routes.MapStreaming();
        routes.MapRelay();
        routes.MapPublishing();
        routes.MapTopics();
        routes.MapWhoAmI();
        routes.MapSession();
        return app;
    }

    private static void MapOperators(IEndpointRouteBuilder endpoints)
    {
        var operators = endpoints.MapGroup("").Needs(NeedKind.Operate).AnswerHeadAsGet().AddEndpointFilter<OperatorFilter>();
        operators.MapOperator();
        operators.MapDeletion();
    }
}
