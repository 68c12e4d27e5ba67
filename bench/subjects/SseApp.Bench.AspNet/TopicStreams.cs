using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace SseApp.Bench.AspNet;

/// <summary>Streams by topic, a channel for each, as the documentation of server-sent events suggests.</summary>
internal sealed class TopicStreams
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<Channel<SseItem<string>>, byte>> _topics = new(StringComparer.Ordinal);

    public void Publish(string topic, string data)
    {
        if (_topics.TryGetValue(topic, out var streams))
        {
            var item = new SseItem<string>(data);
            foreach (var (stream, _) in streams)
            {
                stream.Writer.TryWrite(item);
            }
        }
    }

    public async IAsyncEnumerable<SseItem<string>> SubscribeAsync(string topic, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<SseItem<string>>(new UnboundedChannelOptions { SingleReader = true });
        var streams = _topics.GetOrAdd(topic, _ => []);
        streams.TryAdd(channel, 0);
        try
        {
            // The headers go out with the first item.
            yield return new SseItem<string>("open", "open");
            await foreach (var item in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return item;
            }
        }
        finally
        {
            streams.TryRemove(channel, out _);
        }
    }
}
