using SseApp.Events.Log;
using SseApp.Events.Streaming;

namespace SseApp.Events.Topics;

/// <summary>
/// One topic that has, or a moment ago had, local subscribers: its Redis subscription and its members in each shard.
/// </summary>
internal sealed class TopicHub
{
    private readonly ITopicLog _log;
    private readonly Shard[] _shards;
    private readonly TopicMembers[] _members;
    private ITopicSubscription? _subscription;

    public TopicHub(string topic, ITopicLog log, Shard[] shards)
    {
        Topic = topic;
        _log = log;
        _shards = shards;
        _members = Array.ConvertAll(shards, _ => new TopicMembers());
    }

    public string Topic { get; }

    /// <summary>Guarded by the lock of <see cref="TopicHubs"/>, as the next three.</summary>
    public int Subscribers { get; set; }

    public long IdleSince { get; set; }

    public Task? Starting { get; set; }

    public Task? Stopping { get; set; }

    public TopicMembers MembersIn(int shard) => _members[shard];

    /// <summary>
    /// Subscribes first and reads the log's end afterwards: what is published in between comes over the channel, and
    /// <see cref="TopicMembers.TryAdvance"/> drops it if the end that was read includes it.
    /// </summary>
    public async Task StartAsync()
    {
        var subscription = await _log.SubscribeAsync(Topic, Deliver);
        try
        {
            var range = await _log.GetRangeAsync(Topic);
            for (var i = 0; i < _shards.Length; i++)
            {
                _shards[i].Post(ShardWorkKind.Start, _members[i], range);
            }

            _subscription = subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    public async Task StopAsync()
    {
        if (_subscription is not null)
        {
            await _subscription.DisposeAsync();
        }
    }

    private void Deliver(LogEntry entry)
    {
        for (var i = 0; i < _shards.Length; i++)
        {
            _shards[i].Post(ShardWorkKind.Deliver, _members[i], entry);
        }
    }
}
