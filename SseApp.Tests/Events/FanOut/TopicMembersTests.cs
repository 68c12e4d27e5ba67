using SseApp.Events.FanOut;

namespace SseApp.Tests.Events.FanOut;

/// <summary>The circle in which a shard visits the members of a topic.</summary>
public sealed class TopicMembersTests
{
    private enum Kind
    {
        Append,
        Visit,
        Add,
        Remove,
        TakeOutOfTurn,
    }

    [Fact]
    public void Each_member_gets_each_event_of_its_time_once_and_in_order_whoever_comes_and_goes()
    {
        var step = Gen.Select(
            Gen.Frequency(
                (4, Gen.Const(Kind.Append)), (6, Gen.Const(Kind.Visit)), (3, Gen.Const(Kind.Add)), (2, Gen.Const(Kind.Remove)), (1, Gen.Const(Kind.TakeOutOfTurn))),
            Gen.Int[0, 1_000]);
        step.Array[1, 200].Sample(steps =>
        {
            var members = new TopicMembers(null!);
            var clients = new List<Client>();
            var (appended, done) = (0L, 0);
            foreach (var (kind, value) in steps)
            {
                var client = clients.Count == 0 ? null : clients[value % clients.Count];
                switch (kind)
                {
                    case Kind.Append when clients.Count > 0:
                        members.Append(LogEntry.ForGap(new Position(default, ++appended), default, "test", 0));
                        break;
                    case Kind.Visit:
                        Visit(members, clients, ref done);
                        break;
                    case Kind.Add:
                        clients.Add(new Client(members, appended));
                        break;
                    case Kind.Remove when client is not null:
                        members.RemoveAt(client.Connection.MemberIndexes[0]);
                        clients.Remove(client);
                        break;
                    case Kind.TakeOutOfTurn when client is not null:
                        client.Got(members.Take(client.Connection.MemberIndexes[0]));
                        break;
                }

                Assert.Equal(clients.Count, members.Count);
            }

            while (members.IsBehind)
            {
                Visit(members, clients, ref done);
            }

            Assert.All(clients, client => Assert.Equal(appended, client.Last));
            Assert.Equal(appended, done);
        });
    }

    private static void Visit(TopicMembers members, List<Client> clients, ref int done)
    {
        if (members.TryNext(out var connection, out var index, ref done))
        {
            Assert.Equal(connection.MemberIndexes[0], index);
            clients.Find(client => client.Connection == connection)!.Got(members.Take(index));
        }
    }

    private sealed class Client
    {
        public Client(TopicMembers members, long head)
        {
            Last = head;
            Connection = new StreamConnection(new MemoryStreamWriter(0), null!, HubRig.Topics, [members], null, []);
            Connection.MemberIndexes[0] = members.Add(Connection, 0);
        }

        public StreamConnection Connection { get; }

        public long Last { get; private set; }

        public void Got(ReadOnlySpan<LogEntry> entries)
        {
            foreach (var entry in entries)
            {
                Assert.Equal(Last + 1, entry.Position.Offset);
                Last = entry.Position.Offset;
            }
        }
    }
}
