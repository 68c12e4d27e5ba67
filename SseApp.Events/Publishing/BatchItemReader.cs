using System.Text;

namespace SseApp.Events.Publishing;

/// <summary>
/// Reads the items of a batch, one after the other: what it says is of the last one. <c>data</c> is text, or any other JSON
/// value, which is then published as its JSON text. Not by the serializer, which makes objects of whatever somebody sends.
/// </summary>
internal sealed class BatchItemReader
{
    public const int MaxTopics = 64;

    private const string NoUnicode = "An item must be well-formed text; this one is not UTF-8, or has an escape such as \\ud800 without its other half.";

    // An item and what is in it.
    private const int MaxDepth = 64;

    private const string NotWhole = "The item ends before its JSON does: each line of the body is an item of its own. Write an item on one line (jq -c), or send all of them as one array.";

    private static readonly string s_tooDeep = string.Create(
        CultureInfo.InvariantCulture, $"An item has at most {MaxDepth} levels of objects and arrays within each other, itself included; this one has more.");

    // A stream of items has no end.
    private const int MaxKnown = 1_024;

    private static readonly JsonReaderOptions s_options = new() { MaxDepth = MaxDepth };

    private readonly List<string> _topics = [];

    // Most batches name the same topics again and again.
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly RepeatedNames _names = new();
    private Members _members;
    private int _dataStart;
    private int _dataLength;

    [Flags]
    private enum Members
    {
        None = 0,
        Topic = 1,
        Topics = 2,
        Event = 4,
        Data = 8,
        IdempotencyKey = 16,
        Key = 32,
    }

    public string[] Topics { get; private set; } = [];

    public string? Event { get; private set; }

    public string? IdempotencyKey { get; private set; }

    public string? Key { get; private set; }

    /// <summary>Longest JSON of an item whose data may have so many bytes: each of its characters escaped, and room between them.</summary>
    public static int MaxBytes(int maxEventBytes) => (6 * maxEventBytes) + (6 * TopicName.MaxLength * (MaxTopics + 4)) + (16 * 1024);

    /// <returns>The rule that the item breaks, or null.</returns>
    public string? Read(ReadOnlySpan<byte> json)
    {
        _topics.Clear();
        _members = Members.None;
        Event = IdempotencyKey = Key = null;
        try
        {
            return ReadMembers(json);
        }
        catch (JsonException exception)
        {
            return FindMistake(json) is null ? s_tooDeep : IsBegun(json) ? NotWhole : $"The item is not JSON: {exception.Message}";
        }
        catch (InvalidOperationException)
        {
            return NoUnicode;
        }
    }

    /// <summary>Whether it is the beginning of an object or an array, as the first line is of one that was written on several.</summary>
    private static bool IsBegun(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = int.MaxValue }));
        return FindMistake(ref reader) is null && (reader.CurrentDepth > 0 || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray);
    }

    /// <returns>What keeps it from being JSON, or null.</returns>
    public static string? FindMistake(ReadOnlySpan<byte> json)
    {
        // How deep an item may be is its own matter.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        return FindMistake(ref reader);
    }

    private static string? FindMistake(ref Utf8JsonReader reader)
    {
        try
        {
            while (reader.Read())
            {
                // Throws where it is none.
            }

            return null;
        }
        catch (JsonException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Whether data is text with escapes, which must be read before it can be published.</summary>
    public bool IsEscaped(ReadOnlyMemory<byte> json) => RawData(json).Span is [(byte)'"', .. var text] && text.Contains((byte)'\\');

    /// <summary>Whether data is JSON with objects, which must not have a member twice.</summary>
    public bool HasObjects(ReadOnlyMemory<byte> json) => RawData(json).Span is [not (byte)'"', ..] data && data.Contains((byte)'{');

    /// <param name="json">What the item was read from.</param>
    /// <param name="maxBytes">The most that data may have.</param>
    /// <param name="scratch">Room for text with escapes: as much as the item has.</param>
    /// <param name="data">The data, in one of these two.</param>
    /// <param name="isTooLarge">It has more.</param>
    /// <returns>The rule that it breaks, or null.</returns>
    public string? ReadData(ReadOnlyMemory<byte> json, int maxBytes, byte[] scratch, out ReadOnlyMemory<byte> data, out bool isTooLarge)
    {
        data = RawData(json);
        isTooLarge = false;
        if (IsEscaped(json))
        {
            var reader = new Utf8JsonReader(data.Span);
            reader.Read();
            try
            {
                data = scratch.AsMemory(0, reader.CopyString(scratch));
            }
            catch (InvalidOperationException)
            {
                return NoUnicode;
            }

            isTooLarge = data.Length > maxBytes;
            return null;
        }

        if (data.Span[0] == '"')
        {
            data = data[1..^1];
            isTooLarge = data.Length > maxBytes;
            return null;
        }

        if (data.Length > maxBytes)
        {
            isTooLarge = true;
            return null;
        }

        try
        {
            return HasObjects(json) && _names.AreIn(data) ? "In 'data' an object has a member twice; programs differ in which of the two they take." : null;
        }
        catch (InvalidOperationException)
        {
            return NoUnicode;
        }
    }

    private ReadOnlyMemory<byte> RawData(ReadOnlyMemory<byte> json) => json.Slice(_dataStart, _dataLength);

    private static Members MemberOf(in Utf8JsonReader reader) =>
        reader.ValueTextEquals("data"u8) ? Members.Data
        : reader.ValueTextEquals("topic"u8) ? Members.Topic
        : reader.ValueTextEquals("topics"u8) ? Members.Topics
        : reader.ValueTextEquals("event"u8) ? Members.Event
        : reader.ValueTextEquals("idempotencyKey"u8) ? Members.IdempotencyKey
        : reader.ValueTextEquals("key"u8) ? Members.Key
        : Members.None;

    private string? ReadMembers(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, s_options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return "An item is a JSON object.";
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = MemberOf(reader);
            if (member == Members.None || _members.HasFlag(member))
            {
                return "An item is an object of topic, topics, event, data, idempotencyKey, key, each given once, and of nothing else.";
            }

            _members |= member;
            reader.Read();
            if (!TryReadValue(ref reader, member))
            {
                return member == Members.Topics ? "'topics' is an array of names." : "'topic', 'event', 'idempotencyKey' and 'key' are strings.";
            }
        }

        // Throws if anything but space follows.
        reader.Read();
        return Complete();
    }

    private bool TryReadValue(ref Utf8JsonReader reader, Members member)
    {
        if (member == Members.Data)
        {
            _dataStart = (int)reader.TokenStartIndex;
            reader.Skip();
            _dataLength = (int)reader.BytesConsumed - _dataStart;
            return true;
        }

        if (reader.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (member == Members.Topics)
        {
            return TryReadTopics(ref reader);
        }

        if (reader.TokenType != JsonTokenType.String)
        {
            return false;
        }

        if (member == Members.Topic)
        {
            AddTopic(reader);
            return true;
        }

        var text = reader.GetString();
        switch (member)
        {
            case Members.Event:
                Event = text;
                break;
            case Members.Key:
                Key = text;
                break;
            default:
                IdempotencyKey = text;
                break;
        }

        return true;
    }

    private bool TryReadTopics(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                return false;
            }

            AddTopic(reader);
        }

        return true;
    }

    private void AddTopic(in Utf8JsonReader reader)
    {
        // One more than there may be, so that this is known.
        if (_topics.Count > MaxTopics)
        {
            return;
        }

        var topic = Find(reader.ValueSpan) ?? reader.GetString()!;
        if (_topics.Contains(topic, StringComparer.Ordinal))
        {
            return;
        }

        _topics.Add(topic);
        if (TopicName.IsValid(topic))
        {
            if (_known.Count == MaxKnown)
            {
                _known.Clear();
            }

            _known.Add(topic);
        }
    }

    private string? Find(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[TopicName.MaxLength];
        return name.Length <= TopicName.MaxLength
            && Ascii.ToUtf16(name, text, out var length) == System.Buffers.OperationStatus.Done
            && _known.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out var known)
            ? known
            : null;
    }

    private string? Complete()
    {
        if (_topics.Count is 0 or > MaxTopics)
        {
            return $"An item names 1 to {MaxTopics} topics, in 'topic' or 'topics'.";
        }

        if (!_members.HasFlag(Members.Data))
        {
            return "An item needs 'data'.";
        }

        if (!_topics.TrueForAll(TopicName.IsValid))
        {
            return TopicName.Rule;
        }

        Topics = [.. _topics];
        return null;
    }
}
