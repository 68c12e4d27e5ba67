using System.Runtime.InteropServices;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// The list of revocations in Redis: a hash of signed entries, and their order, by which a process reads only what is new to
/// it. What Redis has lost is written again by whoever still knows it.
/// </summary>
internal sealed class RevocationStore(
    IServiceProvider services,
    IOptions<ClusterOptions> cluster,
    IOptions<CredentialOptions> credentials,
    Revocations known,
    SignedRecords records,
    TimeProvider time)
{
    // Whatever somebody else has put under one of the keys gives way, and the list with it: a part alone would hide the rest, and
    // whoever knows the list writes it again. To Garnet's scripts a GET of another type finds nothing.
    private const string MendScript = """
        local function foreign(answer) return type(answer) == 'table' and answer.err end
        local number = redis.pcall('GET', KEYS[3])
        local fine = not foreign(redis.pcall('HLEN', KEYS[1])) and not foreign(redis.pcall('ZCARD', KEYS[2]))
        if number then
          fine = fine and type(number) == 'string' and #number < 16 and string.match(number, '^%d+$')
        else
          fine = fine and redis.call('EXISTS', KEYS[3]) == 0
        end
        if not fine then
          redis.call('DEL', KEYS[1])
          redis.call('DEL', KEYS[2])
          redis.call('DEL', KEYS[3])
        end

        """;

    // Announced first: a server that is full stores nothing, but all processes that run learn of it.
    private const string WriteScript = "redis.call('PUBLISH', ARGV[1], ARGV[3])\n" + MendScript + """
        number = redis.call('INCR', KEYS[3])
        redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
        redis.call('ZADD', KEYS[2], number, ARGV[2])
        return fine and 1 or 0
        """;

    private const int Chunk = 500;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    // The same is not written twice because a second has passed.
    private static readonly TimeSpan s_sameEnd = TimeSpan.FromMinutes(1);

    private readonly RedisKey _entries = $"{{{cluster.Value.KeyPrefix}:revocations}}";
    private readonly RedisKey _order = $"{{{cluster.Value.KeyPrefix}:revocations}}:order";
    private readonly RedisKey _number = $"{{{cluster.Value.KeyPrefix}:revocations}}:number";
    private readonly RedisChannel _channel = RedisChannel.Literal($"{cluster.Value.ChannelPrefix}:revocations");
    private ListState _read;
    private volatile bool _lost;
    private bool _signedAgain;

    /// <summary>Null only where a service has no Redis at all, which no program of ours does.</summary>
    private IConnectionMultiplexer? Redis => field ??= services.GetService<IConnectionMultiplexer>();

    /// <summary>Whether there is anything to read from.</summary>
    public bool IsShared => Redis is not null;

    public bool IsConnected => Redis is { IsConnected: true };

    /// <summary>Whether a text is a ticket that is about, and not an id or a name that has the form of one.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<bool> IsTicketAsync(string text, CancellationToken cancellationToken) =>
        Ticket.IsValid(text) && Redis is { } redis
        && await redis.GetDatabase().KeyExistsAsync(TicketStore.KeyOf(cluster.Value, Ticket.HashOf(text))).WaitAsync(s_limit, time, cancellationToken);

    /// <summary>
    /// Takes credentials back. When this returns, the entry is in Redis and counts here; everywhere else it counts within two seconds.
    /// </summary>
    /// <param name="kind">What it is.</param>
    /// <param name="value">Which.</param>
    /// <param name="issuer">Only tokens of this issuer; null: of every one.</param>
    /// <param name="issuedBefore">For a subject.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisException">It is not certain that the entry is stored; see <see cref="RedisErrors.IsFull"/> for a server without room.</exception>
    public Task<Revocation> RevokeAsync(RevocationKind kind, string value, string? issuer, DateTimeOffset? issuedBefore, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var last = issuedBefore > now ? issuedBefore.Value : now;
        DateTimeOffset? until = kind == RevocationKind.ApiKey ? null
            : kind == RevocationKind.Ticket ? now + TicketsOptions.LongestAge
            : last + credentials.Value.MaxTokenLifetime + (2 * TokenIssuer.ClockSkew);
        return RevokeAsync(new Revocation(kind, value, issuer, issuedBefore, now, until), cancellationToken);
    }

    /// <summary>Takes back this one credential, as at the end of a session; its streams end, too.</summary>
    /// <exception cref="RedisException">As above.</exception>
    public Task RevokeAsync(Principal principal, CancellationToken cancellationToken) => principal switch
    {
        { ApiKeyId: { } id } => RevokeAsync(RevocationKind.ApiKey, id, null, null, cancellationToken),
        { Fingerprint: { } fingerprint } => RevokeAsync(fingerprint, principal.ExpiresAt, cancellationToken),
        _ => Task.CompletedTask,
    };

    /// <summary>Takes back the token with this <see cref="Principal.Fingerprint"/>.</summary>
    /// <exception cref="RedisException">As above.</exception>
    public Task RevokeAsync(string fingerprint, DateTimeOffset? endsAt, CancellationToken cancellationToken) => RevokeAsync(
        new Revocation(RevocationKind.Fingerprint, fingerprint, null, null, time.GetUtcNow(), endsAt + TokenIssuer.ClockSkew), cancellationToken);

    private async Task<Revocation> RevokeAsync(Revocation revocation, CancellationToken cancellationToken)
    {
        if (known.Find(revocation.Name) is { } before && before.Covers(revocation with { Until = revocation.Until - s_sameEnd }))
        {
            return before;
        }

        try
        {
            await WriteAsync(Database(), revocation).WaitAsync(s_limit, time, cancellationToken);
        }
        catch (Exception exception) when (RedisErrors.IsFull(exception))
        {
            // It was announced. Kept in memory, it is written as soon as there is room.
            known.Add(revocation);
            throw;
        }

        known.Add(revocation);
        return known.Find(revocation.Name) ?? revocation;
    }

    /// <summary>Listens to what other processes revoke.</summary>
    public async Task<ChannelMessageQueue> SubscribeAsync(CancellationToken cancellationToken)
    {
        // The server that is there again may be another one, or have lost what it had.
        Redis!.ConnectionRestored += (_, _) => _lost = true;
        var queue = await Redis!.GetSubscriber().SubscribeAsync(_channel).WaitAsync(s_limit, time, cancellationToken);
        queue.OnMessage(message => Take("an announcement", message.Message));
        return queue;
    }

    /// <summary>Reads what came since the last time; all of it if Redis has lost something, or somebody else has written there.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task ReadNewAsync(CancellationToken cancellationToken)
    {
        if (_lost || !await TryReadNewAsync(Database(), cancellationToken))
        {
            await ReadAllAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Reads all, forgets what is over, and writes what Redis does not have. From the hash itself: somebody who changes the order hides
    /// nothing from a process that starts.
    /// </summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task ReadAllAsync(CancellationToken cancellationToken)
    {
        var database = Database();
        Dictionary<string, Revocation> there;
        ListState? state = null;
        // Before the reading: what comes meanwhile is behind that number.
        _lost = false;
        try
        {
            state = await LookAsync(database, cancellationToken);
            there = state is null ? [] : await ScanAsync(database, cancellationToken);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            await MendAsync(database, cancellationToken);
            (state, there) = (null, []);
        }
        catch
        {
            _lost = true;
            throw;
        }

        _read = state ?? default;
        known.Forget(time.GetUtcNow());

        // What was signed with a key that will be gone is signed again, once, while both are here.
        var all = records.KeysChange && !_signedAgain;
        try
        {
            foreach (var some in known.All.Chunk(Chunk))
            {
                var ordered = await OrderedAsync(database, some, cancellationToken);
                var missing = some.Where((revocation, i) => all || !ordered[i] || !there.TryGetValue(revocation.Name.Id, out var found) || !found.Covers(revocation)).ToArray();
                if (missing.Length > 0)
                {
                    await WriteMissingAsync(database, missing, all, cancellationToken);
                }
            }
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            // Again in between: the next look mends it.
            _lost = true;
            return;
        }

        _signedAgain = true;
    }

    /// <returns>False when all has to be read.</returns>
    private async Task<bool> TryReadNewAsync(IDatabase database, CancellationToken cancellationToken)
    {
        try
        {
            if (await LookAsync(database, cancellationToken) is not { } now || !now.Follows(_read))
            {
                return false;
            }

            if (now.Number > _read.Number)
            {
                // Never beyond what the server has counted: somebody's entry at the far end would hide all that come.
                var ids = await database.SortedSetRangeByScoreAsync(_order, _read.Number, now.Number, Exclude.Start, take: Chunk).WaitAsync(s_limit, time, cancellationToken);
                if (ids.Length == Chunk)
                {
                    // So many at once, or what nobody of us has put there, perhaps in front of what is new.
                    return false;
                }

                await TakeAsync(database, ids, cancellationToken);
            }

            _read = now;
            return true;
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            await MendAsync(database, cancellationToken);
            return false;
        }
    }

    /// <returns>Null when what was there gave way.</returns>
    private async Task<ListState?> LookAsync(IDatabase database, CancellationToken cancellationToken)
    {
        var numbering = database.StringGetAsync(_number);
        var counting = database.HashLengthAsync(_entries);
        var ordering = database.SortedSetLengthAsync(_order);
        await Task.WhenAll(numbering, counting, ordering).WaitAsync(s_limit, time, cancellationToken);
        var counted = await numbering;
        if (!counted.TryParse(out long last) && !counted.IsNull)
        {
            await MendAsync(database, cancellationToken);
            return null;
        }

        return new ListState(last, await counting, await ordering);
    }

    private async Task MendAsync(IDatabase database, CancellationToken cancellationToken)
    {
        records.Reject(ForgedKind.Revocation, _entries.ToString(), SignedRecords.WrongType);
        await database.ScriptEvaluateAsync(MendScript, [_entries, _order, _number]).WaitAsync(s_limit, time, cancellationToken);
    }

    /// <returns>All that count and lie under their ids.</returns>
    private async Task<Dictionary<string, Revocation>> ScanAsync(IDatabase database, CancellationToken cancellationToken)
    {
        var there = new Dictionary<string, Revocation>(StringComparer.Ordinal);
        var over = new List<RedisValue>();
        await foreach (var entry in database.HashScanAsync(_entries, pageSize: Chunk).WithCancellation(cancellationToken))
        {
            if (Take(entry.Name, entry.Value, over) is { } revocation && revocation.Name.Id == entry.Name)
            {
                there[revocation.Name.Id] = revocation;
            }
        }

        await DropAsync(database, over, cancellationToken);
        return there;
    }

    /// <returns>For each whether the order has it where it is found.</returns>
    private async Task<bool[]> OrderedAsync(IDatabase database, Revocation[] revocations, CancellationToken cancellationToken)
    {
        var scores = await database.SortedSetScoresAsync(_order, Array.ConvertAll(revocations, static revocation => (RedisValue)revocation.Name.Id)).WaitAsync(s_limit, time, cancellationToken);
        return Array.ConvertAll(scores, static score => score >= 1);
    }

    private async Task TakeAsync(IDatabase database, RedisValue[] ids, CancellationToken cancellationToken)
    {
        if (ids.Length == 0)
        {
            return;
        }

        var texts = await database.HashGetAsync(_entries, ids).WaitAsync(s_limit, time, cancellationToken);
        var over = new List<RedisValue>();
        for (var i = 0; i < ids.Length; i++)
        {
            if (!texts[i].IsNull)
            {
                Take(ids[i], texts[i], over);
            }
        }

        await DropAsync(database, over, cancellationToken);
    }

    private async Task DropAsync(IDatabase database, List<RedisValue> over, CancellationToken cancellationToken)
    {
        foreach (var ids in over.Chunk(Chunk))
        {
            await Task.WhenAll(database.HashDeleteAsync(_entries, ids), database.SortedSetRemoveAsync(_order, ids)).WaitAsync(s_limit, time, cancellationToken);
        }
    }

    /// <returns>What counts; what has counted is added to <paramref name="over"/>.</returns>
    private Revocation? Take(RedisValue id, RedisValue text, List<RedisValue> over)
    {
        if (Take(id.ToString(), text) is not { } revocation)
        {
            return null;
        }

        if (revocation.IsOver(time.GetUtcNow()))
        {
            over.Add(id);
            return null;
        }

        return revocation;
    }

    /// <summary>Adds what a process of this cluster has signed.</summary>
    /// <param name="name">By which it is reported if it does not count, or this version cannot read it: a newer one may know kinds that this one does not.</param>
    /// <param name="text">What was there.</param>
    private Revocation? Take(string name, string? text)
    {
        var revocation = records.Read(ForgedKind.Revocation, _entries.ToString(), name, text, RevocationJsonContext.Default.Revocation)?.Body;
        if (revocation?.IsOver(time.GetUtcNow()) == false)
        {
            known.Add(revocation);
        }

        return revocation;
    }

    private async Task WriteMissingAsync(IDatabase database, Revocation[] missing, bool all, CancellationToken cancellationToken)
    {
        // Others find out in the same moment.
        await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(100)), time, cancellationToken);
        var ordered = await OrderedAsync(database, missing, cancellationToken);
        var texts = await database.HashGetAsync(_entries, Array.ConvertAll(missing, static revocation => (RedisValue)revocation.Name.Id)).WaitAsync(s_limit, time, cancellationToken);
        await Task.WhenAll(missing.Where((revocation, i) => all || !ordered[i] || !Has(revocation, texts[i])).Select(revocation => WriteAsync(database, revocation)))
            .WaitAsync(s_limit, time, cancellationToken);

        bool Has(Revocation revocation, RedisValue text) => !text.IsNull && Take(revocation.Name.Id, text) is { } found && found.Name == revocation.Name && found.Covers(revocation);
    }

    private async Task WriteAsync(IDatabase database, Revocation revocation)
    {
        var fine = (bool)await database.ScriptEvaluateAsync(
            WriteScript,
            [_entries, _order, _number],
            [_channel.ToString(), revocation.Name.Id, records.Sign(ForgedKind.Revocation, _entries.ToString(), revocation, RevocationJsonContext.Default.Revocation)]);
        if (!fine)
        {
            // The list was taken away; the next look finds out what is missing.
            records.Reject(ForgedKind.Revocation, _entries.ToString(), SignedRecords.WrongType);
            _lost = true;
        }
    }

    private IDatabase Database() => Redis?.GetDatabase() ?? throw new InvalidOperationException("Revocations are kept in Redis, and this service has none.");

    /// <summary>What can be said of the list without reading it.</summary>
    /// <param name="Number">How many were ever written: each has the number that it made this.</param>
    /// <param name="Entries">In the hash.</param>
    /// <param name="Ordered">In the order.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct ListState(long Number, long Entries, long Ordered)
    {
        /// <summary>
        /// Whether this became of that by what processes of ours do: they write and drop in both places, and count what they write. What
        /// was there before and is no part of the list is no reason to read all of it each time.
        /// </summary>
        public bool Follows(ListState before) =>
            Number >= before.Number && Entries - before.Entries <= Number - before.Number && Entries - Ordered == before.Entries - before.Ordered;
    }
}
