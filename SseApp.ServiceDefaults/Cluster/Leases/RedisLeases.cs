using System.Text.Json.Serialization;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Leases;

/// <summary>
/// Work that only one process of the cluster may do at a time: one expiring key a lease, which holds its owner, signed. A lease
/// ends by itself when its holder no longer renews it, so the death of a holder stops nobody for long. What somebody else has
/// written into its place is no lease, however long it would stay: it is counted, and whoever wants the lease next replaces it.
/// </summary>
internal sealed class RedisLeases(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, SignedRecords records, TimeProvider time)
{
    private const int MaxAttempts = 4;

    // Writes if the key holds what it is expected to hold; answers 1, or what it holds instead, '' for what can be no lease.
    private const string ReplaceScript = """
        local length = redis.pcall('STRLEN', KEYS[1])
        local current = false
        if type(length) == 'table' or length > tonumber(ARGV[4]) then
          current = ''
        elseif length > 0 then
          current = redis.call('GET', KEYS[1])
        end
        if current and current ~= ARGV[1] then return current end
        if ARGV[3] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
        return 1
        """;

    /// <summary>Takes a lease that is free, or renews one that <paramref name="owner"/> holds.</summary>
    /// <param name="name">Name of the work.</param>
    /// <param name="owner">Unique to the holder.</param>
    /// <param name="duration">The lease ends this long after the last call.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>False when somebody else holds it.</returns>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<bool> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var key = Key(name);
        var lease = records.Sign(ForgedKind.Lease, key.ToString(), new Lease(owner, duration.TotalSeconds), LeaseJsonContext.Default.Lease);
        return await ReplaceAsync(
            name, lease, duration, held => held is null || string.Equals(held.Owner, owner, StringComparison.Ordinal), cancellationToken);
    }

    /// <summary>Gives the lease back; no effect when <paramref name="owner"/> does not hold it.</summary>
    /// <exception cref="RedisException">Redis did not answer; the lease ends by itself.</exception>
    public Task ReleaseAsync(string name, string owner, CancellationToken cancellationToken) =>
        ReplaceAsync(name, "", TimeSpan.Zero, held => string.Equals(held?.Owner, owner, StringComparison.Ordinal), cancellationToken);

    /// <param name="name">Of the lease.</param>
    /// <param name="value">What it is to hold.</param>
    /// <param name="duration">For how long; zero deletes it.</param>
    /// <param name="mayReplace">Whether the lease that it holds may be replaced; null stands for something else than one.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    private async Task<bool> ReplaceAsync(
        string name, RedisValue value, TimeSpan duration, Func<Lease?, bool> mayReplace, CancellationToken cancellationToken)
    {
        // What it holds may change between two attempts; that somebody else has it then is the answer to the last one, too.
        RedisValue expected = "-";
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var answer = await redis.GetDatabase().ScriptEvaluateAsync(
                ReplaceScript, [Key(name)], [expected, value, (long)duration.TotalMilliseconds, SignedRecords.MaxBytes])
                .WaitAsync(cancellationToken);
            if (answer.Resp2Type == ResultType.Integer)
            {
                return true;
            }

            expected = (RedisValue)answer;
            if (!mayReplace(Read(name, expected)))
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>The lease, or null, counted, for what is none, or none any more: a copy of one that has ended.</summary>
    private Lease? Read(string name, RedisValue value)
    {
        if (value.IsNullOrEmpty)
        {
            records.Reject(ForgedKind.Lease, name, $"{SignedRecords.WrongType}, or {SignedRecords.TooLarge}");
            return null;
        }

        if (records.Read(ForgedKind.Lease, Key(name).ToString(), name, value, LeaseJsonContext.Default.Lease) is not { } signed)
        {
            return null;
        }

        if ((time.GetUtcNow() - signed.At).Duration() > TimeSpan.FromSeconds(signed.Body.Seconds) + RecordSignature.Lifetime)
        {
            records.Reject(ForgedKind.Lease, name, "it has ended");
            return null;
        }

        return signed.Body;
    }

    private RedisKey Key(string name) => $"{{{options.Value.KeyPrefix}:leases}}:{name}";
}

/// <summary>Who holds a lease, and for how long from the time of its signature.</summary>
internal sealed record Lease(string Owner, double Seconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Lease))]
internal sealed partial class LeaseJsonContext : JsonSerializerContext;
