using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Access;
using SseApp.Events.Diagnostics;
using SseApp.Events.Http;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Publishing;

/// <summary><c>POST /publish</c>: many events in one request, pipelined to Redis in their order.</summary>
internal sealed class BatchEndpoint(
    EventPublisher publisher,
    ItemPublisher items,
    PublishStreamEndpoint streams,
    IdempotencyKeys keys,
    RequestBody bodies,
    RequestBudget budget,
    CredentialService credentials,
    AccessRefusal access,
    IOptions<PublishingOptions> options)
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

        if (PublishStreams.IsAsked(context.Request))
        {
            await streams.HandleAsync(context);
            return TypedResults.Empty;
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
            // Who sends all of a batch once more pays for what is new.
            results.Sum(result => result.Stored),
            Math.Max(results.Zip(batch.Entries, (result, entry) => result.Stored * entry.Block.Length).Sum(), read));

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
        var publishing = new Queue<ItemPublish>();
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
                    publishing.Enqueue(silent ? ItemPublish.NotSent(entry) : over ? items.RefuseForRate(entry) : items.Start(entry, principal, client));
                    underWay += entries[started].Topics.Length;
                }

                (results[i], var unanswered) = await items.FinishAsync(i, publishing.Peek());
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
        if (Array.Find(results, result => result.Status == StatusCodes.Status503ServiceUnavailable) is { } unavailable)
        {
            return Problems.NotConfirmed(context, unavailable.Error!, PublishOutcome.NotStored, members);
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
}

/// <summary>Answer of <c>POST /publish</c>: results in the order of the items.</summary>
internal sealed record BatchResult(int Stored, int Failed, BatchItemResult[] Results);
