namespace SseApp.Tests.Chaos;

/// <summary>One client of two topics that keeps what it receives apart by topic.</summary>
internal sealed class Subscriber : IAsyncDisposable
{
    private readonly HttpClient _client;
    private readonly string _uri;
    private readonly Receipt[] _receipts;
    private readonly TopicSet _topics;

    /// <param name="client">Without a time limit of its own.</param>
    /// <param name="index">For messages.</param>
    /// <param name="topics">What it wants.</param>
    /// <param name="query">More of the URL, such as where to begin.</param>
    public Subscriber(HttpClient client, int index, NumberedTopic[] topics, string query = "")
    {
        _topics = new TopicSet(Array.ConvertAll(topics, topic => topic.Name));
        _receipts = Array.ConvertAll(topics, topic => new Receipt(topic, index) { Trail = new Trail(PositionCodec.MarkBits(topics.Length)) });
        _client = client;
        _uri = "/events?" + string.Join('&', topics.Select(topic => "topic=" + topic.Name));
        Source = EventSourceClient.Open(client, _uri + query, Take);
    }

    public EventSourceClient Source { get; private set; }

    public IReadOnlyList<Receipt> Receipts => _receipts;

    /// <summary>The first topic of which something is still to come; null when everything is here.</summary>
    public Receipt? Lacking => Array.Find(_receipts, receipt => receipt.Last < receipt.Topic.Count - 1);

    /// <summary>Is away until <see cref="ComeBack"/>.</summary>
    public ValueTask LeaveAsync() => Source.DisposeAsync();

    /// <summary>Goes on from the last id that it got.</summary>
    public void ComeBack() => Source = EventSourceClient.Open(_client, $"{_uri}&lastEventId={Source.LastEventId}", Take);

    public ValueTask DisposeAsync() => Source.DisposeAsync();

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
