using SseApp.Events.Archive;
using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.TopicApi;

/// <summary>
/// <c>GET /events/position?topic=&amp;lastEventId=</c>: what an id means, and what a stream that resumes from it would begin with. For
/// whoever wants to know why a client was told of a gap, or to count that it lost nothing.
/// </summary>
internal sealed class PositionEndpoint(HistoryReader history, CredentialService credentials, AccessRefusal access, IOptions<StreamingOptions> options)
{
    public async Task<IResult> HandleAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (TopicQuery.Read(query, options.Value.MaxTopics) is not { } topics)
        {
            return Problems.BadRequest("The topics are not valid.", $"Name the topics of the stream that the id came from: GET {EventStreams.Path}/position?topic=news&topic=prices&lastEventId=…, at most {options.Value.MaxTopics}. {TopicName.Rule}");
        }

        if (query["lastEventId"] is not [{ Length: > 0 } id])
        {
            return Problems.BadRequest("The id is not valid.", "'lastEventId' is given once: the id of an event of a stream of these topics.");
        }

        var principal = Caller.Of(context);
        if (credentials.DeniedOf(principal, topics.Names) is { } denied)
        {
            await access.WriteDeniedAsync(context, principal, denied);
            return TypedResults.Empty;
        }

        var positions = new MarkedPosition[topics.Count];
        var isKnown = PositionCodec.TryDecode(id, topics, positions);
        try
        {
            var markBits = isKnown ? PositionCodec.MarkBits(positions) : 0;
            return TypedResults.Ok(new PositionInfo(
                isKnown, await Task.WhenAll(topics.Names.Select((name, slot) => DescribeAsync(name, isKnown ? positions[slot] : null, markBits, context.RequestAborted)))));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The topics cannot be read. Ask again after the time in Retry-After.");
        }
        catch (ArchiveUnavailableException exception)
        {
            return Problems.ArchiveUnavailable(context, $"What the topics have cannot be told without the archive. {exception.Message}");
        }
    }

    private async Task<TopicPosition> DescribeAsync(string topic, MarkedPosition? asked, int markBits, CancellationToken cancellationToken)
    {
        var range = await history.DescribeAsync(topic, cancellationToken);
        var found = TopicPosition.Of(topic, asked, markBits, range);
        if (found is not { SameEpoch: true, Gap: null, Offset: { } offset } || await history.FindGapAsync(topic, range, offset, cancellationToken) is not { } gap)
        {
            return found;
        }

        var last = gap.Position.Offset;
        return found with { Gap = new GapData(topic, GapReason.Expired, offset + 1, last), Events = found.LastOffset - last };
    }
}

/// <summary>Answer of <c>GET /events/position</c>.</summary>
/// <param name="Known">Whether the id is one of a stream of exactly these topics; a damaged one and one of other topics are not.</param>
/// <param name="Topics">What it says of each, in ordinal order.</param>
internal sealed record PositionInfo(bool Known, TopicPosition[] Topics);

/// <summary>What an id says of a topic, and how a stream goes on from it.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Epoch">Of the log as it is now; null without a log.</param>
/// <param name="SameEpoch">Whether the id is of this log; null when it says nothing.</param>
/// <param name="Offset">The last event that its client has; null when it says nothing.</param>
/// <param name="FirstOffset">The oldest event that the log holds; 0 without a log.</param>
/// <param name="LastOffset">The newest one.</param>
/// <param name="Events">How many events of the log would come first.</param>
/// <param name="Gap">The gap that would be reported before them; null: nothing is missing.</param>
internal sealed record TopicPosition(
    string Topic, string? Epoch, bool? SameEpoch, long? Offset, long FirstOffset, long LastOffset, long Events, GapData? Gap)
{
    /// <summary>The same decision as a topic's hub makes when a stream begins.</summary>
    public static TopicPosition Of(string topic, MarkedPosition? asked, int markBits, HistoryRange page)
    {
        var last = page.End.Position.Offset;
        var exists = last > 0;
        var earlier = asked is { } old && old != default && old.Mark != page.Epoch.Mark(markBits) ? page.IndexOfEarlier(old.Mark, markBits) : -1;
        if (earlier >= 0 && asked is { } begin)
        {
            // What is archived of the epochs from there on comes first, each end of one with a gap.
            var rest = page.Earlier[earlier..].Sum(epoch => epoch.Last - epoch.First + 1) - Math.Max(0, begin.Offset - page.Earlier[earlier].First + 1) + last - page.First + 1;
            return new TopicPosition(
                topic, exists ? page.Epoch.ToString() : null, false, begin.Offset, exists ? page.First : 0, last, rest, new GapData(topic, GapReason.Epoch, Math.Max(begin.Offset, page.Earlier[earlier].Last) + 1, null));
        }

        // An id from before the first event fits every log that begins at its beginning.
        bool? same = asked is { } given ? given == default || given.Mark == page.Epoch.Mark(markBits) : null;
        var (gap, after) = asked is not { } position || (same == true && position.Offset > last) ? (new GapData(topic, GapReason.UnknownPosition, null, last), last)
            : same == false ? (new GapData(topic, GapReason.Epoch, position.Offset + 1, null), page.First - 1)
            : position.Offset < page.First - 1 ? (new GapData(topic, GapReason.Expired, position.Offset + 1, page.First - 1), page.First - 1)
            : ((GapData?)null, position.Offset);
        return new TopicPosition(
            topic, exists ? page.Epoch.ToString() : null, same, asked?.Offset, exists ? page.First : 0, last, last - after, gap);
    }
}
