using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Tickets in Redis, each a hash under the SHA-256 of its text: what it is for, signed, and what became of it. That changes only in
/// one script, by the clock of the server, because an <c>EventSource</c> may come back to any replica.
/// </summary>
internal sealed class TicketStore(
    IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster, IOptions<TicketsOptions> options, SignedRecords records, RevocationStore revocations, TimeProvider time)
{
    // A replica of Redis that lags would let a ticket in a second time.
    private const CommandFlags Flags = CommandFlags.DemandMaster;

    // Fields: record; end; until (of the first use); once used, origin and seen (when its stream was there last); stream (that it has
    // now); before (what seen was before that one).
    private const string Script = """
        local key, what = KEYS[1], ARGV[1]
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
        local function text(number) return string.format('%.0f', number) end
        if what == 'make' then
          redis.call('HSET', key, 'record', ARGV[2], 'until', text(now + tonumber(ARGV[3])), 'end', text(now + tonumber(ARGV[4])))
          redis.call('PEXPIRE', key, text(tonumber(ARGV[3]) + tonumber(ARGV[5])))
          return 'made'
        end
        if what == 'find' then
          if redis.call('HSTRLEN', key, 'record') > tonumber(ARGV[2]) then return '' end
          return redis.call('HGET', key, 'record')
        end

        local fields = redis.call('HMGET', key, 'end', 'until', 'origin', 'stream', 'seen', 'before')
        local last, first, origin, stream = tonumber(fields[1] or ''), tonumber(fields[2] or ''), fields[3], fields[4]
        local seen, window = tonumber(fields[5] or '') or 0, tonumber(ARGV[3])
        if not last or not first then return 'unknown' end
        if what == 'open' or what == 'look' then
          if now >= last then return 'ended' end
          if not origin then
            if now > first then return 'unused' end
          else
            if origin ~= ARGV[4] then return 'origin' end
            if ARGV[5] ~= '1' then return 'used' end
            if now - seen > window then return 'late' end
          end
          if what == 'look' then return 'open:' end
          redis.call('HSET', key, 'origin', ARGV[4], 'stream', ARGV[2], 'seen', text(now), 'before', origin and text(seen) or '')
          redis.call('PEXPIRE', key, text(last - now + window))
          return 'open:' .. (stream or '')
        end

        if stream ~= ARGV[2] then return 'taken' end
        if what == 'touch' then
          redis.call('HSET', key, 'seen', text(now))
          return 'open:'
        end
        redis.call('HDEL', key, 'stream')
        if what == 'close' then
          redis.call('HSET', key, 'seen', text(now))
        elseif (fields[6] or '') == '' then
          redis.call('HDEL', key, 'origin', 'seen')
        else
          redis.call('HSET', key, 'seen', fields[6])
        end
        redis.call('PEXPIRE', key, text(math.max(1, math.min(last - now, window) + window)))
        return 'closed'
        """;

    // The tickets of one principal, by when they are over. Whatever else somebody has put there gives way.
    private const string CountScript = """
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
        if type(redis.pcall('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))) == 'table' then redis.call('DEL', KEYS[1]) end
        if ARGV[3] ~= '' and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
        redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
        redis.call('PEXPIRE', KEYS[1], ARGV[4])
        return 1
        """;

    private const int MaxRecord = 256 * 1024;

    private readonly TicketsOptions _options = options.Value;

    private RedisChannel Channel => RedisChannel.Literal($"{cluster.Value.ChannelPrefix}:tickets");

    /// <summary>A new ticket.</summary>
    /// <param name="principal">Who asks for it, and may read the topics.</param>
    /// <param name="topics">Sorted.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>Its text and its end; null when the principal has as many as it may have.</returns>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<(string Text, DateTimeOffset EndsAt)?> MakeAsync(Principal principal, string[] topics, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var end = now + _options.MaxAge;
        end = principal.ExpiresAt < end ? principal.ExpiresAt.Value : end;
        var ticket = Ticket.New();
        var hash = Ticket.HashOf(ticket);
        var most = principal.Kind == CredentialKind.ApiKey ? _options.MaxPerApiKey : _options.MaxPerToken;
        if ((int)await CountAsync(principal.Key, hash, _options.FirstUse, most, Flags).WaitAsync(cancellationToken) == 0)
        {
            return null;
        }

        var key = Key(hash);
        var record = records.Sign(ForgedKind.Ticket, key.ToString(), TicketBody.Of(principal, topics, end), TicketJsonContext.Default.TicketBody);
        await EvaluateAsync(hash, ["make", record, Milliseconds(_options.FirstUse), Milliseconds(end - now), Milliseconds(_options.ReconnectWindow)]).WaitAsync(cancellationToken);
        return (ticket, end);
    }

    /// <summary>What a ticket is for; null for one that is not known. Whether it may be used now is asked by <see cref="OpenAsync"/>.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<Ticket?> FindAsync(string text, CancellationToken cancellationToken)
    {
        if (!Ticket.IsValid(text))
        {
            return null;
        }

        var hash = Ticket.HashOf(text);
        try
        {
            var found = await EvaluateAsync(hash, ["find", MaxRecord]).WaitAsync(cancellationToken);
            return found.IsNull ? null : records.Read(ForgedKind.Ticket, Key(hash).ToString(), hash, (string?)found, TicketJsonContext.Default.TicketBody)?.Body.ToTicket(hash);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            records.Reject(ForgedKind.Ticket, hash, SignedRecords.WrongType);
            return null;
        }
    }

    /// <summary>Lets a stream have the ticket, in the place of the one that has it now.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="stream">Names the stream; null only asks whether one could have it.</param>
    /// <param name="origin">Of the page; null for none and for the service's own.</param>
    /// <param name="comesBack">Whether the request has a <c>Last-Event-ID</c>.</param>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<TicketUse> OpenAsync(Ticket ticket, string? stream, string? origin, bool comesBack)
    {
        // An origin has no fixed length, and is nobody else's business.
        var from = origin is null ? "-" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin)));
        var answer = (string?)await EvaluateAsync(
            ticket.Hash, [stream is null ? "look" : "open", stream ?? "", Milliseconds(_options.ReconnectWindow), from, comesBack ? "1" : "0"]) ?? "";
        if (answer.StartsWith("open:", StringComparison.Ordinal))
        {
            if (stream is not null)
            {
                _ = CountAsync(ticket.Principal.Key, ticket.Hash, ticket.Principal.ExpiresAt!.Value - time.GetUtcNow(), null, Flags | CommandFlags.FireAndForget);
            }

            return new TicketUse(null, null, answer.Length > 5 ? answer[5..] : null);
        }

        return answer switch
        {
            "ended" => Refused(AuthReason.TokenExpired, "The ticket has come to its end: that of the credential that it was made with, or Tickets:MaxAge."),
            "unused" => Refused(AuthReason.TokenExpired, "The ticket was not used in time (Tickets:FirstUse)."),
            "late" => Refused(AuthReason.TokenExpired, "The stream of the ticket ended too long ago (Tickets:ReconnectWindow)."),
            "origin" => Refused(AuthReason.TokenInvalid, "The ticket was used by a page of another origin, and is for that one only."),
            "used" => Refused(AuthReason.TokenInvalid, "The ticket was used before: only a client that reconnects may use it again, with its Last-Event-ID."),
            _ => Unknown,
        };
    }

    /// <summary>What is said of a ticket that is not there.</summary>
    public static TicketUse Unknown { get; } = Refused(AuthReason.TokenInvalid, "The ticket is not known here: there never was one, or it was not used in time, or it has ended.");

    /// <summary>The stream is still there.</summary>
    /// <returns>False when another one has the ticket.</returns>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<bool> TouchAsync(Ticket ticket, string stream) =>
        // Where Redis has lost the ticket, no other stream can have it.
        (string?)await EvaluateAsync(ticket.Hash, ["touch", stream, Milliseconds(_options.ReconnectWindow)]) != "taken";

    /// <summary>The stream is over.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="stream">Names the stream.</param>
    /// <param name="wasOpen">False for one that could not be opened after all: the ticket is as if it had not been used.</param>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task CloseAsync(Ticket ticket, string stream, bool wasOpen)
    {
        await EvaluateAsync(ticket.Hash, [wasOpen ? "close" : "undo", stream, Milliseconds(_options.ReconnectWindow)]);
        _ = CountAsync(ticket.Principal.Key, ticket.Hash, _options.ReconnectWindow, null, Flags | CommandFlags.FireAndForget);
    }

    /// <summary>Takes a ticket back; its stream ends on whatever replica it is.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task<Revocation> RevokeAsync(string ticket, CancellationToken cancellationToken) =>
        revocations.RevokeAsync(RevocationKind.Ticket, Ticket.HashOf(ticket), null, null, cancellationToken);

    /// <summary>Tells the other replicas that a stream lost its ticket to another one.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task AnnounceAsync(string stream) => redis.GetSubscriber().PublishAsync(
        Channel, records.Sign(ForgedKind.Ticket, Channel.ToString(), new TicketTaken(stream), TicketJsonContext.Default.TicketTaken));

    /// <summary>Listens to <see cref="AnnounceAsync"/>. Some may be lost, see <see cref="TouchAsync"/>.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<ChannelMessageQueue> SubscribeAsync(Action<string> taken)
    {
        var queue = await redis.GetSubscriber().SubscribeAsync(Channel);
        queue.OnMessage(message =>
        {
            if (records.Read(ForgedKind.Ticket, Channel.ToString(), "a stream", message.Message, TicketJsonContext.Default.TicketTaken, current: true)?.Body.Stream is { } stream)
            {
                taken(stream);
            }
        });
        return queue;
    }

    private static TicketUse Refused(string reason, string detail) => new(reason, $"{detail} Ask for another one with POST /tickets.", null);

    private static string Milliseconds(TimeSpan span) => ((long)span.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private Task<RedisResult> EvaluateAsync(string hash, RedisValue[] values) => redis.GetDatabase().ScriptEvaluateAsync(Script, [Key(hash)], values, Flags);

    private Task<RedisResult> CountAsync(string principal, string hash, TimeSpan life, int? most, CommandFlags flags) => redis.GetDatabase().ScriptEvaluateAsync(
        CountScript,
        [(RedisKey)$"{cluster.Value.KeyPrefix}:tickets-of:{principal}"],
        [hash, Milliseconds(life), most is { } number ? number : "", Milliseconds(TicketsOptions.LongestAge + _options.ReconnectWindow)],
        flags);

    /// <summary>Where a ticket lies.</summary>
    public static RedisKey KeyOf(ClusterOptions cluster, string hash) => $"{cluster.KeyPrefix}:ticket:{hash}";

    private RedisKey Key(string hash) => KeyOf(cluster.Value, hash);
}

/// <summary>Whether a stream may have a ticket.</summary>
/// <param name="Reason">An <see cref="AuthReason"/>; null: it may.</param>
/// <param name="Detail">For whoever asked, then.</param>
/// <param name="Replaced">The stream that had the ticket until now.</param>
internal sealed record TicketUse(string? Reason, string? Detail, string? Replaced);
