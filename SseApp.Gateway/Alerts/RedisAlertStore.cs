using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Gateway.Alerts;

/// <summary>
/// The book as one value, replaced only by who has read what it replaces, and signed; one that no gateway has written is
/// replaced as if there were none. The time is that of Redis: clocks of gateways differ.
/// </summary>
internal sealed class RedisAlertStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, RecordSignature signature, ForgedRecords forged) : IAlertStore
{
    private const string WriteScript = """
        local current = redis.call('GET', KEYS[1])
        if (current or '') ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
        return 1
        """;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_expiry = TimeSpan.FromDays(7);

    // Numbered by the form of what is stored: gateways of two releases side by side would each drop what the other wrote.
    private readonly RedisKey _key = $"{options.Value.KeyPrefix}:alerts:2";

    public async Task<(AlertBook? Book, string Version, DateTimeOffset Now)> ReadAsync(CancellationToken cancellationToken)
    {
        var database = redis.GetDatabase();
        var reading = database.StringGetAsync(_key);
        var clock = database.ExecuteAsync("TIME");
        await Task.WhenAll(reading, clock).WaitAsync(s_limit, TimeProvider.System, cancellationToken);
        var text = (string?)await reading;
        var signed = signature.Verify(ForgedKind.Alerts, _key.ToString(), text, out var fault);
        if (text is not null && signed is null)
        {
            forged.Add(ForgedKind.Alerts, "", fault);
        }
        else if (signed is not null
            && signature.Renew(ForgedKind.Alerts, _key.ToString(), signed) is { } renewed
            && await TryReplaceAsync(text!, renewed, cancellationToken))
        {
            text = renewed;
        }

        return (signed is null ? null : JsonSerializer.Deserialize(signed.Body, AlertJsonContext.Default.AlertBook), text ?? "", Time(await clock));
    }

    public Task<bool> TryWriteAsync(AlertBook book, string version, CancellationToken cancellationToken) =>
        TryReplaceAsync(
            version, signature.Sign(ForgedKind.Alerts, _key.ToString(), JsonSerializer.Serialize(book, AlertJsonContext.Default.AlertBook)), cancellationToken);

    private async Task<bool> TryReplaceAsync(string version, string text, CancellationToken cancellationToken) =>
        (bool)await redis.GetDatabase().ScriptEvaluateAsync(WriteScript, [_key], [version, text, (long)s_expiry.TotalSeconds])
            .WaitAsync(s_limit, TimeProvider.System, cancellationToken);

    // Seconds and microseconds.
    private static DateTimeOffset Time(RedisResult answer)
    {
        var parts = (string?[]?)answer ?? throw new RedisServerException("TIME returned nothing.");
        return DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[0]!, CultureInfo.InvariantCulture))
            .AddMicroseconds(long.Parse(parts[1]!, CultureInfo.InvariantCulture));
    }
}
