using SseApp.ServiceDefaults.Cluster.Credentials;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Access;

/// <summary>What becomes of a ticket in Redis, against a model of it; the time of the server is moved by moving what is stored.</summary>
public abstract class TicketStoreTests(BackplaneServer server)
{
    private static readonly string?[] s_origins = [null, "https://shop.test", "https://other.test"];

    private static readonly Gen<Step> s_step =
        from what in Gen.Frequency((4, Gen.Const("open")), (1, Gen.Const("look")), (2, Gen.Const("touch")), (2, Gen.Const("close")), (1, Gen.Const("undo")), (2, Gen.Const("wait")))
        from stream in Gen.Int[0, 2]
        from origin in Gen.Frequency((6, Gen.Const(1)), (1, Gen.Int[0, 2]))
        from comesBack in Gen.Frequency((3, Gen.Const(true)), (1, Gen.Const(false)))
            // Sums of these are never just before the end of a time.
        from seconds in Gen.Frequency((2, Gen.Const(25)), (1, Gen.Const(80)), (1, Gen.Const(1000)))
        select new Step(what, stream, origin, comesBack, seconds);

    [Fact]
    public async Task A_ticket_never_has_two_streams_and_opens_none_after_its_end_or_for_another_page()
    {
        await using var host = await EventsHost.StartAsync(server, null, Tokens.Settings);
        await using var redis = await server.ConnectAsync();
        var store = host.Get<TicketStore>();
        var options = new TicketsOptions();
        await s_step.Array[1, 20].SampleAsync(
            async steps =>
            {
                var (text, _) = (await store.MakeAsync(Somebody(), ["a", "b"], CancellationToken.None))!.Value;
                var ticket = (await store.FindAsync(text, CancellationToken.None))!;
                Assert.Equal(["a", "b"], ticket.Topics);
                var model = new Model(options);
                foreach (var step in steps)
                {
                    var name = $"s{step.Stream}";
                    switch (step.What)
                    {
                        case "wait":
                            model.Now += TimeSpan.FromSeconds(step.Seconds);
                            await PassAsync(redis.GetDatabase(), $"{host.Prefix}:ticket:{ticket.Hash}", step.Seconds);
                            break;
                        case "touch":
                            Assert.Equal(model.Touch(name), await store.TouchAsync(ticket, name));
                            break;
                        case "close" or "undo":
                            model.Close(name, step.What == "close");
                            await store.CloseAsync(ticket, name, step.What == "close");
                            break;
                        default:
                            var (reason, replaced) = model.Open(step.What == "open" ? name : null, step.Origin, step.ComesBack);
                            var use = await store.OpenAsync(ticket, step.What == "open" ? name : null, s_origins[step.Origin], step.ComesBack);
                            Assert.Equal((reason, replaced), (use.Reason, use.Replaced));
                            break;
                    }
                }
            },
            iter: 150);
    }

    [Fact]
    public async Task Who_can_write_to_Redis_makes_no_ticket()
    {
        await using var host = await EventsHost.StartAsync(server, null, Tokens.Settings);
        await using var redis = await server.ConnectAsync();
        var database = redis.GetDatabase();
        var store = host.Get<TicketStore>();
        var (text, _) = (await store.MakeAsync(Somebody(), ["a"], CancellationToken.None))!.Value;
        var copied = await database.HashGetAsync(Key(text), "record");
        Assert.False(copied.IsNull);
        // The record of one is none for another.
        var own = Ticket.New();
        await database.HashSetAsync(Key(own), [new("record", copied), new("end", "9999999999999"), new("until", "9999999999999")]);
        Assert.Null(await store.FindAsync(own, CancellationToken.None));
        await database.HashSetAsync(Key(own), "record", """{"kind":1,"key":"token-x","topics":["a"],"endsAt":"2036-01-01T00:00:00Z"}""");
        Assert.Null(await store.FindAsync(own, CancellationToken.None));
        await database.HashSetAsync(Key(own), "record", new byte[1024 * 1024]);
        Assert.Null(await store.FindAsync(own, CancellationToken.None));
        foreach (var name in ForeignValues.Names)
        {
            await ForeignValues.PutAsync(database, Key(own), name);
            Assert.Null(await store.FindAsync(own, CancellationToken.None));
        }

        // Nor does he keep anybody from having one.
        var principal = Somebody();
        foreach (var name in ForeignValues.Names)
        {
            await ForeignValues.PutAsync(database, $"{host.Prefix}:tickets-of:{principal.Key}", name);
            Assert.NotNull(await store.MakeAsync(principal, ["a"], CancellationToken.None));
        }

        Assert.NotNull(await store.FindAsync(text, CancellationToken.None));
        // What lies there is not the ticket.
        foreach (var field in await database.HashGetAllAsync(Key(text)))
        {
            Assert.DoesNotContain(text, (string?)field.Value, StringComparison.Ordinal);
        }

        string Key(string ticket) => $"{host.Prefix}:ticket:{Ticket.HashOf(ticket)}";
    }

    private static Principal Somebody() => new() { Kind = CredentialKind.Token, Key = Principal.KeyOf("token", Guid.NewGuid().ToString()), Grants = new Grants(["*"], [], []) };

    private static async Task PassAsync(IDatabase database, RedisKey key, int seconds)
    {
        foreach (var field in new[] { "until", "end", "seen", "before" })
        {
            if (await database.HashGetAsync(key, field) is { IsNullOrEmpty: false })
            {
                await database.HashDecrementAsync(key, field, seconds * 1000L);
            }
        }
    }

    private sealed record Step(string What, int Stream, int Origin, bool ComesBack, int Seconds);

    private sealed class Model(TicketsOptions options)
    {
        private int? _origin;
        private string? _stream;
        private TimeSpan _seen;
        private TimeSpan? _before;

        public TimeSpan Now { get; set; }

        public (string? Reason, string? Replaced) Open(string? stream, int origin, bool comesBack)
        {
            var reason = Now >= options.MaxAge ? AuthReason.TokenExpired
                : _origin is null ? Now > options.FirstUse ? AuthReason.TokenExpired : null
                : _origin != origin || !comesBack ? AuthReason.TokenInvalid
                : Now - _seen > options.ReconnectWindow ? AuthReason.TokenExpired
                : null;
            if (reason is not null || stream is null)
            {
                return (reason, null);
            }

            var replaced = _stream;
            (_before, _origin, _stream, _seen) = (_origin is null ? null : _seen, origin, stream, Now);
            return (null, replaced);
        }

        public bool Touch(string stream)
        {
            _seen = stream == _stream ? Now : _seen;
            return stream == _stream;
        }

        public void Close(string stream, bool wasOpen)
        {
            if (stream != _stream)
            {
                return;
            }

            _stream = null;
            if (wasOpen)
            {
                _seen = Now;
            }
            else if (_before is { } before)
            {
                _seen = before;
            }
            else
            {
                _origin = null;
            }
        }
    }
}

public sealed class RedisTicketStoreTests(RedisServer server) : TicketStoreTests(server), IClassFixture<RedisServer>;

public sealed class GarnetTicketStoreTests(GarnetServer server) : TicketStoreTests(server), IClassFixture<GarnetServer>;
