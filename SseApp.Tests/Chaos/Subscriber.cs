namespace SseApp.Tests.Chaos;

/// <summary>One client of two topics that keeps what it receives apart by topic.</summary>
internal sealed class Subscriber : IAsyncDisposable
{
    private readonly EventSourceClient _source;
    private readonly Receipt[] _receipts;
    private readonly TopicSet _topics;

    public Subscriber(HttpClient client, int index, NumberedTopic[] topics)
    {
        _topics = new TopicSet(Array.ConvertAll(topics, topic => topic.Name));
        _receipts = Array.ConvertAll(topics, topic => new Receipt(topic, index) { Trail = new Trail(PositionCodec.MarkBits(topics.Length)) });
        _source = EventSourceClient.Open(client, "/events?" + string.Join('&', topics.Select(topic => "topic=" + topic.Name)), Take);
    }

    public EventSourceClient Source => _source;

    public IReadOnlyList<Receipt> Receipts => _receipts;

    /// <summary>The first topic of which something is still to come; null when everything is here.</summary>
    public Receipt? Lacking => Array.Find(_receipts, receipt => receipt.Last < receipt.Topic.Count - 1);

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private void Take(SseEvent received)
    {
        if (received.Type == "stream.gap")
        {
            var gap = JsonSerializer.Deserialize<JsonElement>(received.Data);
            var receipt = Receipt(gap.GetProperty("topic").GetString() + "-");
            receipt.Add(gap.GetProperty("reason").GetString()!, Offset(gap.GetProperty("from")), Offset(gap.GetProperty("to")));
            var (mark, offset) = Position(receipt, received.LastEventId);
            receipt.Trail!.Add(receipt.LastGap, mark, offset);
        }
        else
        {
            var receipt = Receipt(received.Data);
            receipt.Add(received.Data);
            var (mark, offset) = Position(receipt, received.LastEventId);
            receipt.Trail!.Add(receipt.Last, mark, offset);
        }
    }

    private MarkedPosition Position(Receipt receipt, string id)
    {
        var positions = new MarkedPosition[_topics.Count];
        Assert.True(PositionCodec.TryDecode(id, _topics, positions), $"The id {id} cannot be read.");
        return positions[Array.IndexOf(_topics.Names, receipt.Topic.Name)];
    }

    private Receipt Receipt(string data) => _receipts.Single(receipt =>
        data.StartsWith(receipt.Topic.Name, StringComparison.Ordinal) && data[receipt.Topic.Name.Length] == '-');

    private static long? Offset(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetInt64();
}
