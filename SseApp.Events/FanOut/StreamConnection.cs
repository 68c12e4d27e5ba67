using System.Net;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Writers;

namespace SseApp.Events.FanOut;

/// <summary>
/// One open stream. Everything but <see cref="Completion"/> is touched only by the loop of its shard.
/// While idle it holds neither buffer nor timer.
/// </summary>
internal sealed class StreamConnection(
    IStreamWriter writer, Shard shard, TopicSet topics, TopicMembers[] memberships, StreamStart[]? starts, byte[] openData)
{
    private readonly TaskCompletionSource<string> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IStreamWriter Writer { get; private set; } = writer;

    /// <summary>Names the stream to its client and to operators.</summary>
    public ulong Id { get; init; }

    /// <summary>Address of the client, for operators.</summary>
    public IPAddress? Client { get; init; }

    public long OpenedAtMilliseconds { get; init; }

    /// <summary>The loop that owns the connection.</summary>
    public Shard Shard { get; } = shard;

    public TopicSet Topics { get; } = topics;

    /// <summary>Of one topic; kept here, because a visit of the topics would be another miss of the processor's cache.</summary>
    public bool IsSingle { get; } = memberships.Length == 1;

    /// <summary>Its output is shared with others: a send costs hardly anything. Kept here as <see cref="IsSingle"/> is.</summary>
    public bool IsRelayed { get; } = writer is IShardWriter;

    /// <summary>The shard's members of each topic, in the order of <see cref="Topics"/>.</summary>
    public TopicMembers[] Memberships { get; } = memberships;

    /// <summary>Where the stream begins in each topic; null for the live end.</summary>
    public StreamStart[]? Starts { get; } = starts;

    /// <summary>The first topic that the stream is behind in; it is no member of this and the topics after it yet.</summary>
    public int ReplaySlot { get; set; }

    public bool IsReplaying => ReplaySlot < Memberships.Length;

    /// <summary>What is being replayed, and the next event of it; null for nothing.</summary>
    public LogEntry[]? Replay { get; set; }

    public int ReplayIndex { get; set; }

    public bool ReplayRequested { get; set; }

    /// <summary>The place among the topic's members, or -1.</summary>
    public int[] MemberIndexes { get; } = new int[memberships.Length];

    public Position[] Positions { get; } = new Position[memberships.Length];

    /// <summary>The data of <c>stream.open</c>; null when it was sent.</summary>
    public byte[]? OpenData { get; set; } = openData;

    /// <summary>Completes with the <see cref="CloseReason"/> when the shard no longer uses the writer.</summary>
    public Task<string> Completion => _completion.Task;

    public int ShardIndex { get; set; } = -1;

    /// <summary>How its gateway placed it, as <see cref="SheddingPlan"/> wants it; 0: it may not be moved.</summary>
    public ulong PlacementKey { get; init; }

    /// <summary>Set when closing began: nothing more is delivered.</summary>
    public string? Closing { get; set; }

    public bool FinalWritten { get; set; }

    /// <summary>A send is under way; the writer must not be touched.</summary>
    public bool Flushing { get; set; }

    /// <summary>When the oldest event of the send under way was published; 0 for none.</summary>
    public long OldestUnflushed { get; set; }

    /// <summary>Events that wait for the end of the send under way; null while there are none.</summary>
    public Backlog? Backlog { get; set; }

    public long HeartbeatTicks { get; set; }

    public long LastFlush { get; set; }

    /// <summary>The place in the timer wheel; 0 for none.</summary>
    public long WheelTick { get; set; }

    /// <summary>Why the stream ends at its deadline.</summary>
    public string DeadlineReason { get; set; } = CloseReason.Drain;

    /// <summary>When to end the stream, or to cut it if it is closing already; <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline { get; set; } = long.MaxValue;

    public bool IsSubscribedTo(string topic) => Array.BinarySearch(Topics.Names, topic, StringComparer.Ordinal) >= 0;

    /// <summary>Tells the shard that the client is gone; from any thread.</summary>
    public void Leave() => Shard.Post(ShardWorkKind.Close, this, CloseReason.Client);

    /// <summary>The timer wheel may hold a connection for a while after its end, and must not hold the whole request.</summary>
    public void Detach() => Writer = null!;

    public void Complete() => _completion.TrySetResult(Closing ?? CloseReason.Error);
}
