using Microsoft.AspNetCore.Mvc;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

internal static class PublishingExtensions
{
    public static IHostApplicationBuilder AddPublishing(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<PublishingOptions>(PublishingOptions.SectionName);
        builder.Services.AddSingleton<EventPublisher>();
        builder.Services.AddSingleton<IdempotencyKeys>();
        builder.Services.AddSingleton<RequestBody>();
        builder.Services.AddSingleton<ItemPublisher>();
        builder.Services.AddSingleton<PublishEndpoint>();
        builder.Services.AddSingleton<BatchEndpoint>();
        builder.Services.AddSingleton<PublishStreamServices>();
        builder.Services.AddSingleton<PublishStreamEndpoint>();
        builder.Services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, PublishingJsonContext.Default));
        return builder;
    }

    public static void MapPublishing(this IEndpointRouteBuilder app)
    {
        // The options of this feature limit the bodies, not the server's general limit of 30 MB.
        var limited = app.MapGroup("").Needs(NeedKind.Publish).WithMetadata(new DisableRequestSizeLimitAttribute());
        limited.MapPost("/topics/{topic}/events", app.ServiceProvider.GetRequiredService<PublishEndpoint>().HandleAsync).WithName("Publish");
        limited.MapPost("/publish", (HttpContext context, BatchEndpoint endpoint) => endpoint.HandleAsync(context)).WithName("PublishBatch");
    }
}
