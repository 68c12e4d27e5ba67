using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using SseApp.Events.Access;
using SseApp.Events.Http;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Publishing;

/// <summary>
/// <c>POST /publish</c> that streams (<see cref="PublishStreams.IsAsked"/>): of a client itself over HTTP/1.1 or HTTP/2, or of a
/// gateway over a connection of frames.
/// </summary>
internal sealed class PublishStreamEndpoint(PublishStreamServices services, RequestBudget budget)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (services.Drain.IsDraining)
        {
            await Problems.Draining(context).ExecuteAsync(context);
            return;
        }

        using var memory = budget.OpenLarge();
        if (!memory.TryTake(PublishStream.OwnBytes))
        {
            await services.Publisher.Busy(context).ExecuteAsync(context);
            return;
        }

        // It would make the histogram of request durations useless.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }

        await (FramesOf(context) is { } upgrade ? ServeGatewayAsync(context, upgrade, memory) : ServeClientAsync(context, memory));
    }

    private async Task ServeClientAsync(HttpContext context, MemoryShare memory)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            // The server's own minimum; how long nothing may come is for the options of this feature.
            rate.MinDataRate = null;
        }

        var response = context.Response;
        response.ContentType = PublishStreams.ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        using var stream = Open(
            context,
            new BodyInput(context.Request.BodyReader),
            async (lines, _, _) =>
            {
                if (lines.Length > 0)
                {
                    await response.BodyWriter.WriteAsync(lines.Lines, context.RequestAborted);
                }
            },
            memory);
        await stream.RunAsync(async () =>
        {
            await response.StartAsync(context.RequestAborted);
            await response.BodyWriter.FlushAsync(context.RequestAborted);
        });
    }

    private async Task ServeGatewayAsync(HttpContext context, IHttpUpgradeFeature upgrade, MemoryShare memory)
    {
        context.Response.Headers.Upgrade = PublishStreams.Upgrade;
        await using var connection = await upgrade.UpgradeAsync();
        var frames = new PublishFrameReader(connection);
        using var stream = Open(
            context,
            new FramedInput(frames),
            (lines, settled, last) => connection.WriteAsync(lines.Frames(settled, last), context.RequestAborted),
            memory);
        try
        {
            await stream.RunAsync(static () => default);
        }
        finally
        {
            frames.Complete();
        }
    }

    private PublishStream Open(HttpContext context, StreamInput input, Func<ResultLines, PublishSettled, bool, ValueTask> write, MemoryShare memory) =>
        new(input, write, Caller.Of(context), CallerKey.Of(context), memory, services, context.Abort);

    // A stranger's would pass by the gateway's limits.
    private static IHttpUpgradeFeature? FramesOf(HttpContext context) =>
        SignedRequest.Is(context, RequestPurpose.Client)
        && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
        && context.Request.Headers.Upgrade.Contains(PublishStreams.Upgrade, StringComparer.OrdinalIgnoreCase)
            ? upgrade
            : null;
}

/// <summary>What all streams of publishes use.</summary>
internal sealed class PublishStreamServices(
    EventPublisher publisher, ItemPublisher items, CredentialService credentials, DrainState drain, TimeProvider time, IOptions<PublishingOptions> options)
{
    public PublishingOptions Options => options.Value;

    public EventPublisher Publisher => publisher;

    public ItemPublisher Items => items;

    public CredentialService Credentials => credentials;

    public DrainState Drain => drain;

    public TimeProvider Time => time;
}
