using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

/// <summary>Publishes items, of batches and of streams: sends each to the logs of its topics, and says what became of it.</summary>
internal sealed class ItemPublisher(EventPublisher publisher, IdempotencyKeys keys, CredentialService credentials)
{
    /// <summary>Sends an item on its way. Calls made one after another are stored in that order.</summary>
    public ItemPublish Start(BatchEntry entry, Principal principal, string client)
    {
        if (entry.Rejected is null && Array.Find(entry.Topics, topic => credentials.PublishedBy(principal, topic) is null) is { } denied)
        {
            return new ItemPublish(entry, [], new BatchItemResult(
                0, StatusCodes.Status403Forbidden, [], AccessRefusal.NoGrantFor(denied), Reason: AuthReason.TopicDenied));
        }

        if (entry.IdempotencyKey is not { } key || entry.Rejected is not null)
        {
            return new ItemPublish(entry, Array.ConvertAll(entry.Topics, topic => publisher.PublishAsync(topic, entry.Block, null, entry.Key)));
        }

        if (!keys.TryTake(client, entry.Topics.Length))
        {
            return new ItemPublish(entry, [], new BatchItemResult(
                0, StatusCodes.Status429TooManyRequests, [], keys.Rule, PublishOutcome.NotStored, PublishRefusal.IdempotencyKeys));
        }

        var scoped = IdempotencyKeys.Scope(client, key);
        return new ItemPublish(
            entry, Array.ConvertAll(entry.Topics, topic => keys.CountAsync(client, publisher.PublishAsync(topic, entry.Block, scoped, entry.Key))));
    }

    /// <summary>An item for which the client's rate has no room.</summary>
    public ItemPublish RefuseForRate(BatchEntry entry)
    {
        if (entry.Rejected is null)
        {
            publisher.CountOverRate();
        }

        return new ItemPublish(entry, [], new BatchItemResult(
            0, StatusCodes.Status429TooManyRequests, [], BatchAllowance.Rule, PublishOutcome.NotStored, PublishRefusal.Rate));
    }

    /// <summary>Waits for the answers of an item's topics.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="publish">The item.</param>
    public async ValueTask<(BatchItemResult Result, bool IsUnanswered)> FinishAsync(int index, ItemPublish publish)
    {
        var topics = publish.Entry.Topics;
        if (publish.Entry.Rejected is { } rejected)
        {
            return (rejected, false);
        }

        if (publish.Refused is { } refused)
        {
            return (refused with { Index = index }, false);
        }

        var events = new List<PublishedEvent>(publish.Tasks.Length);
        var outcome = publish.Tasks.Length == 0 ? PublishOutcome.NotStored : null;
        Exception? full = null;
        Exception? cause = null;
        var (repeated, unanswered, foreign) = (true, false, false);
        for (var i = 0; i < publish.Tasks.Length; i++)
        {
            try
            {
                var result = await publish.Tasks[i];
                events.Add(publisher.Confirm(topics[i], result));
                repeated &= result.Repeated;
            }
            catch (Exception exception) when (RedisErrors.IsFull(exception))
            {
                publisher.CountFull(exception);
                full = exception;
            }
            catch (Exception exception) when (RedisErrors.IsWrongType(exception))
            {
                publisher.CountForeign();
                foreign = true;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                // That some of it may be stored says more than that some of it is not.
                cause = exception;
                outcome = outcome == PublishOutcome.Unknown ? outcome : PublishErrors.Outcome(exception);
                unanswered |= PublishErrors.IsUnanswered(exception);
            }
        }

        if (full is not null && outcome is null)
        {
            return (new BatchItemResult(
                index, StatusCodes.Status507InsufficientStorage, [.. events], PublishErrors.DescribeFull(full, partly: events.Count > 0), PublishOutcome.NotStored, PublishErrors.FullCode(full)), false);
        }

        if (foreign && outcome is null)
        {
            return (new BatchItemResult(
                index, StatusCodes.Status409Conflict, [.. events], PublishErrors.DescribeForeign(partly: events.Count > 0), PublishOutcome.NotStored, PublishRefusal.Foreign), false);
        }

        return outcome is not null
            ? (new BatchItemResult(
                index, StatusCodes.Status503ServiceUnavailable, [.. events], PublishErrors.Describe(outcome, cause, partly: events.Count > 0), outcome), unanswered)
            : (new BatchItemResult(index, repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created, [.. events], null), false);
    }
}

/// <summary>An item on its way.</summary>
/// <param name="Entry">The item.</param>
/// <param name="Tasks">One for each topic.</param>
/// <param name="Refused">The answer, if it was not begun.</param>
internal sealed record ItemPublish(BatchEntry Entry, Task<AppendResult>[] Tasks, BatchItemResult? Refused = null)
{
    /// <summary>Nothing has to be waited for.</summary>
    public bool IsAnswered => Array.TrueForAll(Tasks, static task => task.IsCompleted);

    public static ItemPublish NotSent(BatchEntry entry) => new(entry, []);
}

/// <summary>
/// What became of one item: the status it would have had alone, the events it stored (one for each of its topics), why it
/// was not stored, or not on every topic, with 409, 429, 503 and 507 the <c>PublishOutcome</c> of the rest, and with 409, 429 and 507 the reason.
/// </summary>
internal sealed record BatchItemResult(int Index, int Status, PublishedEvent[] Events, string? Error, string? Outcome = null, string? Reason = null)
{
    /// <summary>Events that count as published: what was stored before is not stored again.</summary>
    [JsonIgnore]
    public long Stored => Status == StatusCodes.Status200OK ? 0 : Events.Length;
}
