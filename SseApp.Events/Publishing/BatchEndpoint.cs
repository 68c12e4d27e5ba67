using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Access;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

/// <summary><c>POST /publish</c>: many events in one request, pipelined to Redis in their order.</summary>
internal sealed class BatchEndpoint(
    EventPublisher publisher, IdempotencyKeys keys, RequestBody bodies, RequestBudget budget, CredentialService credentials, AccessRefusal access, IOptions<PublishingOptions> options)
{
    // JSON may take six bytes for one, and there is more in it than data.
    private const int MaxExpansion = 8;

    // Events on their way to Redis. Each takes about half a kilobyte there, beside its block.
    private const int MaxUnderWay = 1_024;

    private readonly PublishingOptions _options = options.Value;
    private readonly long _maxBodyBytes = (long)options.Value.MaxBatchBytes * MaxExpansion;
    private readonly string _bodyRule = $"The body of a batch has at most {(long)options.Value.MaxBatchBytes * MaxExpansion} bytes ({MaxExpansion} times Publishing:MaxBatchBytes).";

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        if (BodyFormat.Refuse(context) is { } refusal)
        {
            return refusal;
        }

        using var memory = budget.OpenLarge();
        using var batch = new Batch(_options, publisher, memory);
        var (refused, read) = await ReadAsync(context.Request, batch, memory);
        // What cannot be used costs its publisher as much as what is stored.
        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(0, read);
        if (refused is not null)
        {
            return refused.Status switch
            {
                StatusCodes.Status413PayloadTooLarge => Problems.TooLarge(refused.Detail),
                StatusCodes.Status503ServiceUnavailable => publisher.Busy(context),
                _ => Problems.BadRequest("The batch is not valid.", refused.Detail),
            };
        }

        var principal = Caller.Of(context);
        if (credentials.VerifyAgain(principal) is { Reason: { } reason } over)
        {
            await access.WriteAsync(context, reason, over.Detail!);
            return TypedResults.Empty;
        }

        var results = await PublishAsync(batch.Entries, principal, CallerKey.Of(context), BatchAllowance.Of(context));
        context.Response.Headers[StreamHeaders.Stored] = StreamHeaders.WriteStored(
            results.Sum(Stored),
            Math.Max(results.Zip(batch.Entries, (result, entry) => Stored(result) * entry.Block.Length).Sum(), read));

        // What was stored before is not stored again: who sends all of a batch once more pays for what is new.
        static long Stored(BatchItemResult result) => result.Status == StatusCodes.Status200OK ? 0 : result.Events.Length;

        // Who looks at the status alone must not take for stored what is not.
        if (results.Length > 0 && results.All(result => result is { Error: not null, Outcome: not PublishOutcome.Unknown, Events.Length: 0 }))
        {
            return NothingStored(context, results);
        }

        var failed = results.Count(result => result.Error is not null);
        return TypedResults.Ok(new BatchResult(results.Length - failed, failed, results));
    }

    private async Task<(BatchRefusal? Refusal, long Read)> ReadAsync(HttpRequest request, Batch batch, MemoryShare memory)
    {
        if (request.ContentLength > _maxBodyBytes)
        {
            return (BatchRefusal.OfSize(_bodyRule), 0);
        }

        BatchRefusal? refusal = null;
        var length = 0L;
        using var splitter = new BatchSplitter(BatchItemReader.MaxBytes(_options.MaxEventBytes), memory, batch);
        await bodies.ReadAsync(request, piece =>
        {
            length += piece.Length;
            refusal = length > _maxBodyBytes ? BatchRefusal.OfSize(_bodyRule) : splitter.Add(piece.Span);
            return refusal is null;
        });
        return (refusal ?? splitter.Finish(), length);
    }

    /// <summary>As many as may be are on their way before the first answer is awaited.</summary>
    private async Task<BatchItemResult[]> PublishAsync(List<BatchEntry> entries, Principal principal, string client, BatchAllowance allowance)
    {
        var results = new BatchItemResult[entries.Count];
        var publishing = new Queue<Publishing>();
        var (started, underWay, silent, over) = (0, 0, false, false);
        try
        {
            for (var i = 0; i < results.Length; i++)
            {
                for (; started < entries.Count && (started == i || underWay < MaxUnderWay); started++)
                {
                    var entry = entries[started];
                    if (!over && !allowance.TryTake(entry))
                    {
                        if (started > i)
                        {
                            // What is under way may turn out to store nothing.
                            break;
                        }

                        over = true;
                    }

                    // A server that does not answer is not waited for once more.
                    publishing.Enqueue(silent ? Publishing.NotSent(entry) : over ? RefuseForRate(entry) : Start(entry, principal, client));
                    underWay += entries[started].Topics.Length;
                }

                (results[i], var unanswered) = await FinishAsync(i, publishing.Peek());
                silent |= unanswered;
                if (!over && results[i] is { Status: StatusCodes.Status200OK } or { Events.Length: 0, Outcome: not PublishOutcome.Unknown })
                {
                    allowance.GiveBack(entries[i]);
                }

                underWay -= publishing.Dequeue().Entry.Topics.Length;
            }
        }
        finally
        {
            // What is still on its way holds memory that this request answers for.
            await ((Task)Task.WhenAll(publishing.SelectMany(left => left.Tasks))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return results;
    }

    private ProblemHttpResult NothingStored(HttpContext context, BatchItemResult[] results)
    {
        var members = KeyValuePair.Create<string, object?>("results", results);
        if (results.Any(result => result.Status == StatusCodes.Status503ServiceUnavailable))
        {
            return Problems.NotConfirmed(context, PublishErrors.Describe(PublishOutcome.NotStored), PublishOutcome.NotStored, members);
        }

        if (Array.Find(results, result => result.Status == StatusCodes.Status507InsufficientStorage) is { } full)
        {
            return Problems.Full(context, full.Error!, full.Reason!, PublishOutcome.NotStored, members);
        }

        if (Array.Find(results, result => result.Status == StatusCodes.Status429TooManyRequests) is { } refused)
        {
            return Problems.TooMany(
                context, refused.Error!, refused.Reason!, refused.Reason == PublishRefusal.Rate ? BatchAllowance.RetryAfter : keys.RetryAfter, members);
        }

        if (Array.TrueForAll(results, result => result.Status == StatusCodes.Status409Conflict))
        {
            return Problems.ForeignKey(results[0].Error!, results[0].Reason!, members);
        }

        // The status of all items, if they have one.
        var status = results.All(result => result.Status == results[0].Status) ? results[0].Status : StatusCodes.Status400BadRequest;
        return TypedResults.Problem(
            "No item of the batch was stored; 'results' says why for each.",
            title: "The batch is not valid.",
            statusCode: status,
            extensions: [members]);
    }

    private async Task<(BatchItemResult Result, bool IsUnanswered)> FinishAsync(int index, Publishing publishing)
    {
        var topics = publishing.Entry.Topics;
        if (publishing.Entry.Rejected is { } rejected)
        {
            return (rejected, false);
        }

        if (publishing.Refused is { } refused)
        {
            return (refused with { Index = index }, false);
        }

        var events = new List<PublishedEvent>(publishing.Tasks.Length);
        var outcome = publishing.Tasks.Length == 0 ? PublishOutcome.NotStored : null;
        Exception? full = null;
        var (repeated, unanswered, foreign) = (true, false, false);
        for (var i = 0; i < publishing.Tasks.Length; i++)
        {
            try
            {
                var result = await publishing.Tasks[i];
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
                index, StatusCodes.Status503ServiceUnavailable, [.. events], PublishErrors.Describe(outcome, partly: events.Count > 0), outcome), unanswered)
            : (new BatchItemResult(index, repeated ? StatusCodes.Status200OK : StatusCodes.Status201Created, [.. events], null), false);
    }

    private Publishing RefuseForRate(BatchEntry entry)
    {
        if (entry.Rejected is null)
        {
            publisher.CountOverRate();
        }

        return new Publishing(entry, [], new BatchItemResult(
            0, StatusCodes.Status429TooManyRequests, [], BatchAllowance.Rule, PublishOutcome.NotStored, PublishRefusal.Rate));
    }

    private Publishing Start(BatchEntry entry, Principal principal, string client)
    {
        if (entry.Rejected is null && Array.Find(entry.Topics, topic => credentials.PublishedBy(principal, topic) is null) is { } denied)
        {
            return new Publishing(entry, [], new BatchItemResult(
                0, StatusCodes.Status403Forbidden, [], AccessRefusal.NoGrantFor(denied), Reason: AuthReason.TopicDenied));
        }

        if (entry.IdempotencyKey is not { } key || entry.Rejected is not null)
        {
            return new Publishing(entry, Array.ConvertAll(entry.Topics, topic => publisher.PublishAsync(topic, entry.Block, null, entry.Key)));
        }

        if (!keys.TryTake(client, entry.Topics.Length))
        {
            return new Publishing(entry, [], new BatchItemResult(
                0, StatusCodes.Status429TooManyRequests, [], keys.Rule, PublishOutcome.NotStored, PublishRefusal.IdempotencyKeys));
        }

        var scoped = IdempotencyKeys.Scope(client, key);
        return new Publishing(
            entry, Array.ConvertAll(entry.Topics, topic => keys.CountAsync(client, publisher.PublishAsync(topic, entry.Block, scoped, entry.Key))));
    }

    /// <param name="Entry">The item.</param>
    /// <param name="Tasks">One for each topic.</param>
    /// <param name="Refused">The answer, if it was not begun.</param>
    private sealed record Publishing(BatchEntry Entry, Task<AppendResult>[] Tasks, BatchItemResult? Refused = null)
    {
        public static Publishing NotSent(BatchEntry entry) => new(entry, []);
    }
}

/// <summary>Answer of <c>POST /publish</c>: results in the order of the items.</summary>
internal sealed record BatchResult(int Stored, int Failed, BatchItemResult[] Results);

/// <summary>
/// What became of one item: the status it would have had alone, the events it stored (one for each of its topics), why it
/// was not stored, or not on every topic, with 409, 429, 503 and 507 the <c>PublishOutcome</c> of the rest, and with 409, 429 and 507 the reason.
/// </summary>
internal sealed record BatchItemResult(int Index, int Status, PublishedEvent[] Events, string? Error, string? Outcome = null, string? Reason = null);
