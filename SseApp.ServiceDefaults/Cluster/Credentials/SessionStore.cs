using System.Text.Json.Serialization;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Which tokens one browser's cookie has had, one after another: streams keep the token that they began with, and the end of the
/// session is the end of all of them. A session is named by its first token; nothing is kept before there is a second one.
/// </summary>
internal sealed partial class SessionStore(
    IConnectionMultiplexer redis,
    IOptions<ClusterOptions> cluster,
    IOptions<CredentialOptions> credentials,
    SignedRecords records,
    RevocationStore revocations,
    TimeProvider time,
    ILogger<SessionStore> logger)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The cookie gets another token. That is not held up by Redis: without it, a sign-out does not find the earlier token, whose end is
    /// near when it is renewed.
    /// </summary>
    /// <param name="before">The token of the cookie so far.</param>
    /// <param name="next">The one that it gets.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    public async Task RenewAsync(Principal before, Principal next, CancellationToken cancellationToken)
    {
        if (string.Equals(before.Fingerprint, next.Fingerprint, StringComparison.Ordinal))
        {
            return;
        }

        if (!redis.IsConnected)
        {
            LogNotKept("there is no connection");
            return;
        }

        try
        {
            await AddAsync(before, next).WaitAsync(s_limit, time, cancellationToken);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !cancellationToken.IsCancellationRequested)
        {
            LogNotKept(exception.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>Takes back all tokens that the session has had; their streams end.</summary>
    /// <param name="principal">Of one of them.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <exception cref="RedisException">It is not certain that all are taken back. As long as this is so, the token itself still counts, so that it can be tried again.</exception>
    public async Task EndAsync(Principal principal, CancellationToken cancellationToken)
    {
        var session = await FindAsync(principal).WaitAsync(s_limit, time, cancellationToken);
        var (living, _) = await TokensAsync(session).WaitAsync(s_limit, time, cancellationToken);
        foreach (var token in living.Where(token => !string.Equals(token.Fingerprint, principal.Fingerprint, StringComparison.Ordinal)))
        {
            await revocations.RevokeAsync(token.Fingerprint, token.EndsAt, cancellationToken);
        }

        await revocations.RevokeAsync(principal, cancellationToken);
    }

    private async Task AddAsync(Principal before, Principal next)
    {
        var session = await FindAsync(before);
        var (_, over) = await TokensAsync(session);
        var (database, key, of) = (redis.GetDatabase(), Key(session), KeyOf(next.Fingerprint!));
        await Task.WhenAll(
            database.HashDeleteAsync(key, over),
            database.HashSetAsync(key, [Entry(before), Entry(next)]),
            // Whoever comes with a token that has ended has no stream by it.
            database.KeyExpireAsync(key, credentials.Value.MaxTokenLifetime + TokenIssuer.ClockSkew),
            database.StringSetAsync(of, records.Sign(ForgedKind.Session, of, new SessionName(session), SessionJsonContext.Default.SessionName), next.ExpiresAt!.Value - time.GetUtcNow() + TokenIssuer.ClockSkew));

        HashEntry Entry(Principal token) => new(
            token.Fingerprint, records.Sign(ForgedKind.Session, key, new SessionToken(token.Fingerprint!, token.ExpiresAt!.Value), SessionJsonContext.Default.SessionToken));
    }

    private async Task<string> FindAsync(Principal principal)
    {
        var fingerprint = principal.Fingerprint!;
        var key = KeyOf(fingerprint);
        var found = await records.GetAsync(redis.GetDatabase(), ForgedKind.Session, key, fingerprint);
        return found.IsNull ? fingerprint : records.Read(ForgedKind.Session, key, fingerprint, found, SessionJsonContext.Default.SessionName)?.Body.Session ?? fingerprint;
    }

    private async Task<(SessionToken[] Living, RedisValue[] Over)> TokensAsync(string session)
    {
        var (database, key) = (redis.GetDatabase(), Key(session));
        HashEntry[] entries;
        try
        {
            entries = await database.HashGetAllAsync(key);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            records.Reject(ForgedKind.Session, session, SignedRecords.WrongType);
            await database.KeyDeleteAsync(key);
            return ([], []);
        }

        var now = time.GetUtcNow();
        var living = new List<SessionToken>();
        var over = new List<RedisValue>();
        foreach (var entry in entries)
        {
            if (records.Read(ForgedKind.Session, key, session, entry.Value, SessionJsonContext.Default.SessionToken)?.Body is { } token && token.EndsAt + TokenIssuer.ClockSkew > now)
            {
                living.Add(token);
            }
            else
            {
                over.Add(entry.Name);
            }
        }

        return ([.. living], [.. over]);
    }

    private string Key(string session) => $"{cluster.Value.KeyPrefix}:session:{session}";

    private string KeyOf(string fingerprint) => $"{cluster.Value.KeyPrefix}:session-of:{fingerprint}";

    [LoggerMessage(LogLevel.Warning, "A session was renewed, and Redis did not take down which token it had before: should its user sign out soon, streams of that token go on until it ends. {Reason}")]
    private partial void LogNotKept(string reason);
}

/// <summary>The session of a token.</summary>
/// <param name="Session">The <see cref="Principal.Fingerprint"/> of its first token.</param>
internal sealed record SessionName(string Session);

/// <summary>A token that a session has had.</summary>
internal sealed record SessionToken(string Fingerprint, DateTimeOffset EndsAt);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SessionName))]
[JsonSerializable(typeof(SessionToken))]
internal sealed partial class SessionJsonContext : JsonSerializerContext;
