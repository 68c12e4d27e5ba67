using SseApp.Events.FanOut;
using SseApp.Events.TopicApi;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Streams;

internal static class StreamingExtensions
{
    public static IHostApplicationBuilder AddStreaming(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<StreamingOptions>(StreamingOptions.SectionName);
        builder.Services.AddValidatedOptions<TopicsOptions>(TopicsOptions.SectionName);
        builder.Services.AddValidatedOptions<StormOptions>(StormOptions.SectionName);
        builder.Services.AddSingleton<RetrySpread>();
        builder.Services.AddSingleton<ShardSet>();
        builder.Services.AddSingleton<RingBudget>();
        builder.Services.AddSingleton<CatchUpTurns>();
        builder.Services.AddValidatedOptions<TopicMetricsOptions>(TopicMetricsOptions.SectionName);
        builder.Services.AddSingleton<TopicMetrics>();
        builder.Services.AddSingleton<TopicHubs>();
        builder.Services.AddSingleton<ClusterSubscribers>();
        builder.Services.AddSingleton<TopicHistory>();
        builder.Services.AddSingleton<HistoryReader>();
        builder.Services.AddSingleton<PositionEndpoint>();
        builder.Services.AddSingleton<NowEndpoint>();
        builder.Services.AddSingleton<TopicRemoval>();
        builder.Services.AddHostedService<TopicCheck>();
        builder.Services.AddStreamTransport();
        builder.Services.AddSingleton<StreamRefusal>();
        builder.Services.AddSingleton<StreamEndpoint>();
        builder.Services.AddSingleton<TicketStreams>();
        builder.Services.AddHostedService(services => services.GetRequiredService<TicketStreams>());
        builder.Services.AddSingleton<TicketEndpoint>();
        builder.Services.AddHostedService<StreamClock>();
        return builder;
    }

    public static void MapStreaming(this IEndpointRouteBuilder app)
    {
        // A request delegate, because binding parameters would make a service scope that lives as long as the stream.
        app.MapGet(EventStreams.Path, (RequestDelegate)app.ServiceProvider.GetRequiredService<StreamEndpoint>().HandleAsync)
            // A stream lasts for hours: its duration would say nothing about the service and drown what does.
            .DisableHttpMetrics()
            .Needs(NeedKind.Subscribe)
            .WithMetadata(TakesTickets.Instance)
            .WithName("Stream");
        app.MapPost("/tickets", (HttpContext context, TicketEndpoint endpoint) => endpoint.HandleAsync(context)).Needs(NeedKind.Credential).WithName("MakeTicket");
    }
}
