using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// A batch while it is read: its items, encoded, each once for all its topics. Nothing of it is published before its end has
/// come, because until then it may turn out to be none.
/// </summary>
internal sealed class Batch(PublishingOptions options, EventPublisher publisher, MemoryShare memory) : IBatchItems, IDisposable
{
    private readonly ItemEncoder _item = new(options, publisher, memory);
    private long _stored;

    public List<BatchEntry> Entries { get; } = [];

    public bool Any => Entries.Count > 0;

    public BatchRefusal? Begin() => Entries.Count == options.MaxBatchItems
        ? BatchRefusal.OfForm($"A batch has at most {options.MaxBatchItems} items (Publishing:MaxBatchItems).")
        : memory.TryTake(ItemEncoder.BytesOfItem) ? null : BatchRefusal.OfMemory(memory);

    public BatchRefusal? Add(ReadOnlyMemory<byte> json, bool isElement)
    {
        if (_item.Read(json.Span) is not { } rule)
        {
            return Add(json);
        }

        return isElement && BatchItemReader.FindMistake(json.Span) is { } mistake
            ? BatchRefusal.OfForm($"The body is not a JSON array, and nothing of it was stored; its item {Entries.Count}: {mistake}")
            : Reject(new BrokenRule(StatusCodes.Status400BadRequest, rule));
    }

    public BatchRefusal? AddTooLong() => Reject(_item.TooLarge);

    public void Dispose() => _item.Dispose();

    private BatchRefusal? Reject(BrokenRule broken)
    {
        Entries.Add(BatchEntry.OfBroken(broken, Entries.Count));
        return null;
    }

    private BatchRefusal? Add(ReadOnlyMemory<byte> json)
    {
        if (!_item.TryPrepare(json, out var broken))
        {
            return BatchRefusal.OfMemory(memory);
        }

        if (broken is not null)
        {
            return Reject(broken);
        }

        _stored += (long)_item.Length * _item.Topics.Length;
        if (_stored > options.MaxBatchBytes)
        {
            publisher.CountTooLarge();
            return BatchRefusal.OfSize(
                $"A batch stores at most {options.MaxBatchBytes} bytes, and each event counts once for each of its topics (Publishing:MaxBatchBytes). Nothing of this one was stored; send it in parts.");
        }

        if (!memory.TryTake(_item.Cost))
        {
            return BatchRefusal.OfMemory(memory);
        }

        Entries.Add(_item.Encode());
        return null;
    }
}

/// <summary>One item of a batch, or of a stream, as it is published.</summary>
/// <param name="Topics">Without repetitions.</param>
/// <param name="Block">The same for all of them.</param>
/// <param name="IdempotencyKey">Or null.</param>
/// <param name="Key">See <see cref="Log.LogEntry.Key"/>.</param>
/// <param name="Rejected">What is wrong with it, and then nothing else.</param>
internal sealed record BatchEntry(string[] Topics, ReadOnlyMemory<byte> Block, string? IdempotencyKey, string? Key, BatchItemResult? Rejected)
{
    public static BatchEntry OfBroken(BrokenRule broken, int index) => new([], default, null, null, new BatchItemResult(index, broken.Status, [], broken.Rule));
}
