using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// A batch while it is read: its items, encoded, each once for all its topics. Nothing of it is published before its end has
/// come, because until then it may turn out to be none.
/// </summary>
internal sealed class Batch(PublishingOptions options, EventPublisher publisher, MemoryShare memory) : IBatchItems, IDisposable
{
    // What the names of an item's topics, an answer for each, and the item itself take beside its block.
    private const int BytesOfTopic = 512;
    private const int BytesOfItem = 512;

    // To find names that are repeated, for each byte of JSON.
    private const int BytesOfNames = 8;

    private readonly BatchItemReader _item = new();
    private readonly PooledBuffer _scratch = new(memory);
    private int _namesBytes;
    private long _stored;

    public List<BatchEntry> Entries { get; } = [];

    public bool Any => Entries.Count > 0;

    public BatchRefusal? Begin() => Entries.Count == options.MaxBatchItems
        ? BatchRefusal.OfForm($"A batch has at most {options.MaxBatchItems} items (Publishing:MaxBatchItems).")
        : memory.TryTake(BytesOfItem) ? null : BatchRefusal.OfMemory(memory);

    public BatchRefusal? Add(ReadOnlyMemory<byte> json, bool isElement)
    {
        if (_item.Read(json.Span) is not { } rule)
        {
            return Add(json);
        }

        return isElement && BatchItemReader.FindMistake(json.Span) is { } mistake
            ? BatchRefusal.OfForm($"The body is not a JSON array, and nothing of it was stored; its item {Entries.Count}: {mistake}")
            : Reject(rule);
    }

    public BatchRefusal? AddTooLong() => Reject(publisher.SizeRule, StatusCodes.Status413PayloadTooLarge);

    public void Dispose() => _scratch.Dispose();

    /// <summary>Takes the memory that reading the data of this item needs, beyond what an item before it needed.</summary>
    private bool TryMakeRoom(BatchItemReader item, ReadOnlyMemory<byte> json)
    {
        if (item.IsEscaped(json) && _scratch.Bytes.Length < json.Length && !_scratch.TryGrow(json.Length))
        {
            return false;
        }

        var names = item.HasObjects(json) ? BytesOfNames * json.Length : 0;
        if (names > _namesBytes && !memory.TryTake(names - _namesBytes))
        {
            return false;
        }

        _namesBytes = Math.Max(names, _namesBytes);
        return true;
    }

    private BatchRefusal? Reject(string rule, int status = StatusCodes.Status400BadRequest)
    {
        Entries.Add(new BatchEntry([], default, null, null, new BatchItemResult(Entries.Count, status, [], rule)));
        return null;
    }

    private BatchRefusal? Add(ReadOnlyMemory<byte> json)
    {
        var item = _item;
        if (!TryMakeRoom(item, json))
        {
            return BatchRefusal.OfMemory(memory);
        }

        var rule = item.ReadData(json, options.MaxEventBytes, _scratch.Bytes, out var data, out var isTooLarge);
        if (isTooLarge)
        {
            return AddTooLong();
        }

        rule ??= EventPublisher.Validate(item.Event, data.Span, item.IdempotencyKey, item.Key);
        if (rule is not null)
        {
            return Reject(rule);
        }

        var length = EventPublisher.BlockLength(item.Event, data.Span);
        _stored += (long)length * item.Topics.Length;
        if (_stored > options.MaxBatchBytes)
        {
            publisher.CountTooLarge();
            return BatchRefusal.OfSize(
                $"A batch stores at most {options.MaxBatchBytes} bytes, and each event counts once for each of its topics (Publishing:MaxBatchBytes). Nothing of this one was stored; send it in parts.");
        }

        if (!memory.TryTake(length + (BytesOfTopic * item.Topics.Length) + item.Topics.Sum(topic => 2L * topic.Length)))
        {
            return BatchRefusal.OfMemory(memory);
        }

        Entries.Add(new BatchEntry(item.Topics, EventPublisher.Encode(item.Event, data.Span, length), item.IdempotencyKey, item.Key, null));
        return null;
    }
}

/// <summary>One item of a batch as it is published.</summary>
/// <param name="Topics">Without repetitions.</param>
/// <param name="Block">The same for all of them.</param>
/// <param name="IdempotencyKey">Or null.</param>
/// <param name="Key">See <see cref="Log.LogEntry.Key"/>.</param>
/// <param name="Rejected">What is wrong with it, and then nothing else.</param>
internal sealed record BatchEntry(string[] Topics, ReadOnlyMemory<byte> Block, string? IdempotencyKey, string? Key, BatchItemResult? Rejected);
