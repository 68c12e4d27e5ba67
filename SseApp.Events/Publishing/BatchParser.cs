namespace SseApp.Events.Publishing;

/// <summary>Splits the body of a batch, a JSON array or NDJSON, into items. One bad item does not spoil the others.</summary>
internal static class BatchParser
{
    /// <returns>The items and, for those that cannot be read, why; or the rule that the whole body breaks.</returns>
    public static (List<(BatchItem? Item, string? Error)> Items, string? Rule) Parse(ReadOnlyMemory<byte> body, int maxItems)
    {
        var items = new List<(BatchItem? Item, string? Error)>();
        var trimmed = body[CountLeadingSpace(body.Span)..];
        if (trimmed.IsEmpty)
        {
            return (items, "The body is empty; send a JSON array or one JSON object a line.");
        }

        var tooMany = $"A batch has at most {maxItems} items (Publishing:MaxBatchItems).";
        if (trimmed.Span[0] == (byte)'[')
        {
            try
            {
                using var document = JsonDocument.Parse(trimmed);
                if (document.RootElement.GetArrayLength() > maxItems)
                {
                    return (items, tooMany);
                }

                foreach (var element in document.RootElement.EnumerateArray())
                {
                    items.Add(Read(() => element.Deserialize(PublishingJsonContext.Default.BatchItem)));
                }
            }
            catch (JsonException exception)
            {
                return (items, $"The body is not a JSON array: {exception.Message}");
            }

            return (items, null);
        }

        while (!trimmed.IsEmpty)
        {
            var end = trimmed.Span.IndexOf((byte)'\n');
            var line = end < 0 ? trimmed : trimmed[..end];
            trimmed = end < 0 ? default : trimmed[(end + 1)..];
            if (CountLeadingSpace(line.Span) == line.Length)
            {
                continue;
            }

            if (items.Count == maxItems)
            {
                return (items, tooMany);
            }

            items.Add(Read(() => JsonSerializer.Deserialize(line.Span, PublishingJsonContext.Default.BatchItem)));
        }

        return (items, null);
    }

    private static (BatchItem? Item, string? Error) Read(Func<BatchItem?> read)
    {
        try
        {
            return read() is { } item ? (item, null) : (null, "An item is a JSON object, not null.");
        }
        catch (JsonException exception)
        {
            return (null, $"The item is not an object of topic, topics, event, data, idempotencyKey, key: {exception.Message}");
        }
    }

    private static int CountLeadingSpace(ReadOnlySpan<byte> bytes)
    {
        var index = bytes.IndexOfAnyExcept(" \t\r\n"u8);
        return index < 0 ? bytes.Length : index;
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
