namespace SseApp.Events.Publishing;

/// <summary>Splits the body of a batch, a JSON array or NDJSON, into items. One bad item does not spoil the others.</summary>
internal static class BatchParser
{
    // Editors and shells put it before a file, and so into the middle of files that were put together.
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <returns>The items and, for those that cannot be read, why; or the rule that the whole body breaks.</returns>
    public static (List<(BatchItem? Item, string? Error)> Items, string? Rule) Parse(ReadOnlySpan<byte> body, int maxItems)
    {
        var items = new List<(BatchItem? Item, string? Error)>();
        if (body is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] or [0, 0, 0xFE, 0xFF, ..])
        {
            return (items, "The body begins with the byte order mark of UTF-16 or UTF-32; send UTF-8.");
        }

        body = SkipSpace(body);
        var rule = body switch
        {
            [] => "The body is empty; send a JSON array or one JSON object a line.",
            [(byte)'[', ..] => ReadArray(body, maxItems, items),
            _ => ReadLines(body, maxItems, items),
        };
        return (items, rule);
    }

    private static string TooMany(int maxItems) => $"A batch has at most {maxItems} items (Publishing:MaxBatchItems).";

    private static string? ReadArray(ReadOnlySpan<byte> body, int maxItems, List<(BatchItem? Item, string? Error)> items)
    {
        // How deep an item may be is its own matter.
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (items.Count == maxItems)
                {
                    return TooMany(maxItems);
                }

                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                items.Add(ReadItem(body[start..(int)reader.BytesConsumed]));
            }

            // Throws if anything but space follows.
            reader.Read();
            return null;
        }
        catch (JsonException exception)
        {
            return $"The body is not a JSON array, and nothing of it was stored: {JsonFaults.Describe(exception)}";
        }
    }

    private static string? ReadLines(ReadOnlySpan<byte> body, int maxItems, List<(BatchItem? Item, string? Error)> items)
    {
        while (!body.IsEmpty)
        {
            // CR alone ends a line, too: within a JSON string it has to be escaped.
            var end = body.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? body : body[..end];
            // Lines that are empty go with what follows them.
            body = end < 0 ? [] : SkipSpace(body[end..]);
            if (items.Count == maxItems)
            {
                return TooMany(maxItems);
            }

            items.Add(ReadItem(line));
        }

        return null;
    }

    private static (BatchItem? Item, string? Error) ReadItem(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, PublishingJsonContext.Default.BatchItem) is { } item
                ? (item, null)
                : (null, "An item is a JSON object, not null.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second is what text that is no Unicode leads to, in some places.
            return (null, $"The item is not an object of topic, topics, event, data, idempotencyKey, key, each given once: {JsonFaults.Describe(exception)}");
        }
    }

    private static ReadOnlySpan<byte> SkipSpace(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.TrimStart(" \t\r\n"u8);
        while (bytes.StartsWith(ByteOrderMark))
        {
            bytes = bytes[ByteOrderMark.Length..].TrimStart(" \t\r\n"u8);
        }

        return bytes;
    }
}

/// <summary>One item of a batch; <c>data</c> is text, or any other JSON value which is then published as its JSON text.</summary>
internal sealed record BatchItem
{
    public string? Topic { get; init; }

    public string[]? Topics { get; init; }

    public string? Event { get; init; }

    public JsonElement Data { get; init; }

    public string? IdempotencyKey { get; init; }

    public string? Key { get; init; }
}
