using System.Runtime.InteropServices;

namespace SseApp.Bench.Generator;

/// <summary>
/// One source of numbered events on one topic: numbers begin at 1 and the next is sent only after the one before was
/// answered, so a server has no freedom to order them otherwise. Several lanes on a topic give concurrency.
/// </summary>
internal sealed class Lane(int topic, int index)
{
    private HashSet<long>? _unacknowledged;

    public int Topic => topic;

    /// <summary>Position among the lanes of the topic; part of the payload.</summary>
    public int Index => index;

    /// <summary>The newest number sent.</summary>
    public long Sent { get; private set; }

    public bool Busy { get; set; }

    public long Acknowledged => Sent - (_unacknowledged?.Count ?? 0) - (Busy ? 1 : 0);

    /// <summary>The newest number that was confirmed.</summary>
    public long Confirmed
    {
        get
        {
            var sequence = Busy ? Sent - 1 : Sent;
            while (!IsAcknowledged(sequence))
            {
                sequence--;
            }

            return Math.Max(0, sequence);
        }
    }

    public long Next() => ++Sent;

    /// <summary>The server did not confirm it: it may or may not arrive, and neither is an error.</summary>
    public void NotAcknowledged(long sequence) => (_unacknowledged ??= []).Add(sequence);

    public bool IsAcknowledged(long sequence) => _unacknowledged?.Contains(sequence) != true;
}

/// <summary>One event on its way to the server; number 0 is a warm-up that no one counts.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Outgoing(Lane Lane, long Sequence);
