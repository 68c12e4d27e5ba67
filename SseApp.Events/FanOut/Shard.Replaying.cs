using SseApp.Events.Log;

namespace SseApp.Events.FanOut;

/// <content>
/// Streams that are behind a topic's head. They ask for the next events when the client has taken the ones before, so
/// nothing piles up for one that reads slowly; at the head they become members and get what is delivered.
/// </content>
internal sealed partial class Shard
{
    private int _replayed;

    private void OnReplay(StreamConnection connection, LogEntry[] entries)
    {
        if (connection.ShardIndex >= 0)
        {
            connection.ReplayRequested = false;
            connection.Replay = entries;
            connection.ReplayIndex = 0;
            PumpReplay(connection);
        }
    }

    private void PumpReplay(StreamConnection connection)
    {
        while (connection is { Flushing: false, Closing: null, Backlog: null, ReplayRequested: false, ShardIndex: >= 0 }
            && connection.IsReplaying)
        {
            var slot = connection.ReplaySlot;
            if (connection.Replay is { } entries)
            {
                if (connection.ReplayIndex < entries.Length)
                {
                    SendReplay(connection, entries, slot);
                    continue;
                }

                connection.Replay = null;
            }

            var members = connection.Memberships[slot];
            if (connection.Starts?[slot] is { Gap: { } gap } start)
            {
                connection.Starts[slot] = start with { Gap = null };
                connection.Replay = [gap];
                connection.ReplayIndex = 0;
            }
            else if (connection.Positions[slot] == members.Head)
            {
                connection.MemberIndexes[slot] = members.Add(connection, slot);
                connection.ReplaySlot++;
            }
            else
            {
                connection.ReplayRequested = true;
                members.History.Request(new StreamReplay(this, connection, connection.Positions[slot]));
            }
        }
    }

    private void SendReplay(StreamConnection connection, LogEntry[] entries, int slot)
    {
        _own.Clear();
        while (connection.ReplayIndex < entries.Length && _own.Length < SendThreshold)
        {
            var entry = entries[connection.ReplayIndex++];
            _replayed += entry.GapReason is null ? 1 : 0;
            AppendEvent(connection, entry, slot);
        }

        Send(connection, _own, 0);
    }
}
