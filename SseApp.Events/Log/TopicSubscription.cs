using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>The subscription of a topic's channel, of whichever kind that is; one step is taken at a time.</summary>
internal sealed class TopicSubscription(ISubscriber subscriber, Func<bool, RedisChannel> channel, Action<ChannelMessage> onMessage, Action<TopicSubscription> onEnd) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Task _last = Task.CompletedTask;
    private ChannelMessageQueue? _queue;
    private bool _sharded;
    private bool _ended;

    /// <summary>Listens to the channel of this kind, and no longer to the other one.</summary>
    public Task MoveAsync(bool sharded)
    {
        lock (_gate)
        {
            return _last = MoveAfterAsync(_last, sharded);
        }
    }

    public async ValueTask DisposeAsync()
    {
        onEnd(this);
        Task ending;
        lock (_gate)
        {
            ending = _last = EndAfterAsync(_last);
        }

        await ending;
    }

    private async Task MoveAfterAsync(Task before, bool sharded)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_ended || (_queue is not null && _sharded == sharded))
        {
            return;
        }

        // A ChannelMessageQueue keeps the order of the channel; plain handlers may run side by side.
        var queue = await subscriber.SubscribeAsync(channel(sharded));
        queue.OnMessage(onMessage);
        var former = _queue;
        (_queue, _sharded) = (queue, sharded);
        if (former is not null)
        {
            await former.UnsubscribeAsync();
        }
    }

    private async Task EndAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended = true;
        if (_queue is not null)
        {
            await _queue.UnsubscribeAsync();
        }
    }
}
