using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>Makes an event of the JSON of an item, once for all its topics; of one item after the other.</summary>
internal sealed class ItemEncoder(PublishingOptions options, EventPublisher publisher, MemoryShare memory) : IDisposable
{
    /// <summary>What an item takes in memory beside its block: while it is read, and for its answer.</summary>
    public const int BytesOfItem = 512;

    // What the names of an item's topics, and an answer for each, take.
    private const int BytesOfTopic = 512;

    // To find names that are repeated, for each byte of JSON.
    private const int BytesOfNames = 8;

    private readonly BatchItemReader _item = new();
    private readonly PooledBuffer _scratch = new(memory);
    private ReadOnlyMemory<byte> _data;
    private int _namesBytes;

    public string[] Topics => _item.Topics;

    /// <summary>Bytes of the event as it is stored for each of its topics.</summary>
    public int Length { get; private set; }

    /// <summary>Memory that the event takes until it is answered.</summary>
    public long Cost => Length + (BytesOfTopic * Topics.Length) + Topics.Sum(topic => 2L * topic.Length);

    /// <summary>Reads the item.</summary>
    /// <returns>The rule that it breaks, or null.</returns>
    public string? Read(ReadOnlySpan<byte> json) => _item.Read(json);

    /// <summary>Looks at the data of the item that was read.</summary>
    /// <param name="json">The item.</param>
    /// <param name="broken">What is wrong with it, or null.</param>
    /// <returns>False when that takes more memory than there is.</returns>
    public bool TryPrepare(ReadOnlyMemory<byte> json, out BrokenRule? broken)
    {
        broken = null;
        if (!TryMakeRoom(json))
        {
            return false;
        }

        var rule = _item.ReadData(json, options.MaxEventBytes, _scratch.Bytes, out _data, out var isTooLarge);
        if (isTooLarge)
        {
            broken = TooLarge;
            return true;
        }

        rule ??= EventPublisher.Validate(_item.Event, _data.Span, _item.IdempotencyKey, _item.Key);
        if (rule is not null)
        {
            broken = new BrokenRule(StatusCodes.Status400BadRequest, rule);
            return true;
        }

        Length = EventPublisher.BlockLength(_item.Event, _data.Span);
        return true;
    }

    /// <summary>What is said of an item that is too long to be kept, or of data that is.</summary>
    public BrokenRule TooLarge => new(StatusCodes.Status413PayloadTooLarge, publisher.SizeRule);

    /// <summary>The event that was prepared.</summary>
    public BatchEntry Encode() => new(Topics, EventPublisher.Encode(_item.Event, _data.Span, Length), _item.IdempotencyKey, _item.Key, null);

    public void Dispose() => _scratch.Dispose();

    /// <summary>Takes the memory that reading the data of this item needs, beyond what an item before it needed.</summary>
    private bool TryMakeRoom(ReadOnlyMemory<byte> json)
    {
        if (_item.IsEscaped(json) && _scratch.Bytes.Length < json.Length && !_scratch.TryGrow(json.Length))
        {
            return false;
        }

        var names = _item.HasObjects(json) ? BytesOfNames * json.Length : 0;
        if (names > _namesBytes && !memory.TryTake(names - _namesBytes))
        {
            return false;
        }

        _namesBytes = Math.Max(names, _namesBytes);
        return true;
    }
}

/// <summary>Why an item is not published.</summary>
/// <param name="Status">The status that it would have had alone.</param>
/// <param name="Rule">For people.</param>
internal sealed record BrokenRule(int Status, string Rule);
