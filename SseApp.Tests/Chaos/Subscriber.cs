using System.Text.Json;
using SseApp.Tests.Infrastructure;

namespace SseApp.Tests.Chaos;

/// <summary>One client of two topics that keeps what it receives apart by topic.</summary>
internal sealed class Subscriber : IAsyncDisposable
{
    private readonly EventSourceClient _source;
    private readonly Receipt[] _receipts;

    public Subscriber(HttpClient client, int index, NumberedTopic[] topics)
    {
        _receipts = Array.ConvertAll(topics, topic => new Receipt(topic, index));
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
            Receipt(gap.GetProperty("topic").GetString() + "-").Add(
                gap.GetProperty("reason").GetString()!, Offset(gap.GetProperty("from")), Offset(gap.GetProperty("to")));
        }
        else
        {
            Receipt(received.Data).Add(received.Data);
        }
    }

    private Receipt Receipt(string data) => _receipts.Single(receipt =>
        data.StartsWith(receipt.Topic.Name, StringComparison.Ordinal) && data[receipt.Topic.Name.Length] == '-');

    private static long? Offset(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetInt64();
}
