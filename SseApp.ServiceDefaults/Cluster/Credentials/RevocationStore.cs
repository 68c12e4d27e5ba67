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
    private readonly RedisChannel _channel = RedisChannel.Literal($"{cluster.Value.KeyPrefix}:revocations");
    private long _readTo;
    private volatile bool _lost;
    private bool _signedAgain;

    /// <summary>Null only where a service has no Redis at all, which no program of ours does.</summary>
    private IConnectionMultiplexer? Redis => field ??= services.GetService<IConnectionMultiplexer>();

    /// <summary>Whether there is anything to read from.</summary>
    public bool IsShared => Redis is not null;

    public bool IsConnected => Redis is { IsConnected: true };

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

    /// <summary>Reads what came since the last time; all of it if Redis has lost something.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task ReadNewAsync(CancellationToken cancellationToken)
    {
        if (_lost || !await ReadAsync(null, cancellationToken))
        {
            await ReadAllAsync(cancellationToken);
        }
    }

    /// <summary>Reads all, forgets what is over, and writes what Redis does not have.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task ReadAllAsync(CancellationToken cancellationToken)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        var now = time.GetUtcNow();
        _readTo = 0;
        _lost = false;
        await ReadAsync(there, cancellationToken);
        known.Forget(now);

        // What was signed with a key that will be gone is signed again, once, while both are here.
        var all = records.KeysChange && !_signedAgain;
        foreach (var missing in known.All.Where(revocation => all || !there.Contains(revocation.Name.Id)).Chunk(Chunk))
        {
            await WriteMissingAsync(missing, all, cancellationToken);
        }

        _signedAgain = true;
    }

    /// <param name="there">Gets the ids of all entries that count; null when only new ones are read.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when Redis has fewer than were read from it.</returns>
    private async Task<bool> ReadAsync(HashSet<string>? there, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(Database(), there, cancellationToken);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            await MendAsync(Database(), cancellationToken);
            return false;
        }
    }

    private async Task MendAsync(IDatabase database, CancellationToken cancellationToken)
    {
        records.Reject(ForgedKind.Revocation, _entries.ToString(), SignedRecords.WrongType);
        await database.ScriptEvaluateAsync(MendScript, [_entries, _order, _number]).WaitAsync(s_limit, time, cancellationToken);
    }

    private async Task<bool> ReadAsync(IDatabase database, HashSet<string>? there, CancellationToken cancellationToken)
    {
        while (true)
        {
            var numbering = database.StringGetAsync(_number);
            var ordering = database.SortedSetRangeByScoreWithScoresAsync(_order, _readTo, double.PositiveInfinity, Exclude.Start, take: Chunk);
            await Task.WhenAll(numbering, ordering).WaitAsync(s_limit, time, cancellationToken);
            var counted = await numbering;
            if (!counted.TryParse(out long last) && !counted.IsNull)
            {
                await MendAsync(database, cancellationToken);
                return false;
            }

            if (last < _readTo)
            {
                return false;
            }

            var ids = await ordering;
            if (ids.Length > 0)
            {
                await TakeAsync(database, Array.ConvertAll(ids, id => id.Element), there, cancellationToken);
            }

            if (ids.Length < Chunk)
            {
                // Never beyond what the server has counted: somebody's entry at the far end would hide all that come.
                _readTo = last;
                return true;
            }

            var to = Math.Min((long)ids[^1].Score, last);
            if (to == _readTo)
            {
                // More at one place than a chunk: nobody of us has put them there.
                return true;
            }

            _readTo = to;
        }
    }

    private async Task TakeAsync(IDatabase database, RedisValue[] ids, HashSet<string>? there, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var texts = await database.HashGetAsync(_entries, ids).WaitAsync(s_limit, time, cancellationToken);
        var over = new List<RedisValue>();
        for (var i = 0; i < ids.Length; i++)
        {
            if (texts[i].IsNull || Take(ids[i].ToString(), texts[i]) is not { } revocation)
            {
                continue;
            }

            if (revocation.Until < now)
            {
                over.Add(ids[i]);
            }
            else
            {
                there?.Add(revocation.Name.Id);
            }
        }

        if (over.Count > 0)
        {
            await Task.WhenAll(database.HashDeleteAsync(_entries, [.. over]), database.SortedSetRemoveAsync(_order, [.. over])).WaitAsync(s_limit, time, cancellationToken);
        }
    }

    /// <summary>Adds what a process of this cluster has signed.</summary>
    /// <param name="name">By which it is reported if it does not count, or this version cannot read it: a newer one may know kinds that this one does not.</param>
    /// <param name="text">What was there.</param>
    private Revocation? Take(string name, string? text)
    {
        var revocation = records.Read(ForgedKind.Revocation, _entries.ToString(), name, text, RevocationJsonContext.Default.Revocation)?.Body;
        if (revocation is not null && !(revocation.Until < time.GetUtcNow()))
        {
            known.Add(revocation);
        }

        return revocation;
    }

    private async Task WriteMissingAsync(Revocation[] missing, bool all, CancellationToken cancellationToken)
    {
        var database = Database();
        // Others find out in the same moment.
        await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(100)), time, cancellationToken);
        var texts = await database.HashGetAsync(_entries, Array.ConvertAll(missing, revocation => (RedisValue)revocation.Name.Id)).WaitAsync(s_limit, time, cancellationToken);
        await Task.WhenAll(missing.Where((_, i) => all || texts[i].IsNull || Take(missing[i].Name.Id, texts[i]) is null).Select(revocation => WriteAsync(database, revocation)))
            .WaitAsync(s_limit, time, cancellationToken);
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
}
