using SseApp.Events.Archive;
using SseApp.Events.Http;
using SseApp.Events.Log;

namespace SseApp.Events.TopicApi;

/// <summary>
/// <c>DELETE /topics/{topic}</c> and <c>DELETE /topics/{topic}/events?key=</c>, for operators: from Redis first, so that nothing is archived anew
/// behind what the archive lets go.
/// </summary>
internal sealed class TopicRemoval(ITopicLog log, IEventArchive? archive = null, ArchiveForgetting? forgetting = null)
{
    private const string Again = "Delete it again after the time in Retry-After.";

    public async Task<IResult> DeleteAsync(string topic, HttpContext context)
    {
        topic = TopicPaths.Name(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        try
        {
            var dropped = await log.DeleteAsync(topic);
            var deleted = dropped is not null;
            if (archive is not null)
            {
                await RevokeAsync(archive, topic, dropped ?? default, context.RequestAborted);
                deleted |= await archive.DeleteAsync(topic, dropped ?? default, context.RequestAborted);
                await forgetting!.ForgetAsync(topic);
            }

            return deleted ? TypedResults.NoContent() : Problems.NotFound("The topic has no log.", "Nothing was published to it, or its events have expired.");
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, $"The topic may or may not be deleted. {Again}");
        }
        catch (ArchiveUnavailableException exception)
        {
            return Problems.ArchiveUnavailable(context, $"The topic is deleted in Redis, and not yet in the archive. {Again} {exception.Message}");
        }
    }

    public async Task<IResult> EraseAsync(string topic, HttpContext context)
    {
        topic = TopicPaths.Name(topic);
        if (!TopicName.IsValid(topic))
        {
            return Problems.BadRequest("The topic is not valid.", TopicName.Rule);
        }

        if (context.Request.Query["key"] is not [{ } key] || !EventKey.IsValid(key))
        {
            return Problems.BadRequest("The key is not valid.", $"'key' is given once: data and key of the topic's events with it are erased. {EventKey.Rule}");
        }

        try
        {
            var erased = await log.EraseAsync(topic, key);
            long? archived = null;
            if (archive is not null)
            {
                await RevokeAsync(archive, topic, erased.End.Epoch, context.RequestAborted);
                archived = await archive.EraseAsync(topic, key, erased.End, context.RequestAborted);
                await forgetting!.ForgetAsync(topic);
            }

            return TypedResults.Ok(new Erasure(topic, erased.Count, archived));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            return Problems.RedisUnavailable(context, "The events may or may not be erased. Erase them again after the time in Retry-After.");
        }
        catch (ArchiveUnavailableException exception)
        {
            return Problems.ArchiveUnavailable(context, $"The events are erased in Redis, and not yet in the archive. Erase them again after the time in Retry-After. {exception.Message}");
        }
    }

    /// <summary>
    /// An archiver may have read events of a log that Redis lost since, and that the database knows nothing of: it is made to read again. When
    /// the database has events of the log that there is now, whoever brought them has nothing older any more.
    /// </summary>
    private static async Task RevokeAsync(IEventArchive archive, string topic, Epoch current, CancellationToken cancellationToken)
    {
        if (current == default || (await archive.GetEndsAsync([new ArchivedLog(topic, current)], cancellationToken))[0].Offset == 0)
        {
            await archive.ClaimAsync(ArchiveShards.Of(topic), cancellationToken);
        }
    }
}

/// <summary>Answer of <c>DELETE /topics/{topic}/events?key=</c>. An event that is in both counts in both.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Erased">Events erased in Redis.</param>
/// <param name="ErasedInArchive">Events erased in the archive; null without one.</param>
internal sealed record Erasure(string Topic, long Erased, long? ErasedInArchive);
