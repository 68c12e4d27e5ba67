using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.TopicApi;

/// <summary>
/// <c>GET /position?topic=a&amp;topic=b</c>: the id of now. Who asks for it, then reads a state of its own, and then streams from this id, misses
/// nothing that changed the state meanwhile.
/// </summary>
internal sealed class NowEndpoint(ITopicLog log, CredentialService credentials, AccessRefusal access, IOptions<StreamingOptions> options)
{
    public async Task<IResult> HandleAsync(HttpContext context)
    {
        if (TopicQuery.Read(context.Request.Query, options.Value.MaxTopics) is not { } topics)
        {
            return Problems.BadRequest("The topics are not valid.", $"Name the topics of the stream that will begin there: GET {EventStreams.PositionPath}?topic=news&topic=prices, at most {options.Value.MaxTopics}. {TopicName.Rule}");
        }

        var principal = Caller.Of(context);
        if (credentials.DeniedOf(principal, topics.Names) is { } denied)
        {
            await access.WriteDeniedAsync(context, principal, denied);
            return TypedResults.Empty;
        }

        try
        {
            var ends = await Task.WhenAll(topics.Names.Select(log.GetEndAsync));
            context.Response.Headers.CacheControl = "no-store";
            return TypedResults.Ok(new StreamPosition(
                PositionCodec.Encode(topics, Array.ConvertAll(ends, end => end.Position)),
                [.. topics.Names.Zip(ends, (name, end) => new TopicEnd(name, end.Position == default ? null : end.Position.Epoch.ToString(), end.Position.Offset))]));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topics cannot be read. Ask again after the time in Retry-After.");
        }
    }
}

/// <summary>Answer of <c>GET /position</c>.</summary>
/// <param name="Id">For <c>lastEventId</c>: a stream of these topics begins with the next event of each.</param>
/// <param name="Topics">What it stands for, in ordinal order.</param>
internal sealed record StreamPosition(string Id, TopicEnd[] Topics);

/// <summary>A topic's newest event; epoch null and offset 0 before the first one.</summary>
internal sealed record TopicEnd(string Topic, string? Epoch, long Offset);
