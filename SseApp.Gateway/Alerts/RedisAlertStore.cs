using System.Text;
using SseApp.ServiceDefaults.Cluster.Signing;
using StackExchange.Redis;

namespace SseApp.Gateway.Alerts;

/// <summary>
/// The book as one value, replaced only by who has read what it replaces, and signed; one that no gateway has written is
/// replaced as if there were none. The time is that of Redis: clocks of gateways differ.
/// </summary>
internal sealed class RedisAlertStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> options, SignedRecords records) : IAlertStore
{
    private const string WriteScript = """
        -- What can be no book is none, as it is to readers.
        local length = redis.pcall('STRLEN', KEYS[1])
        local current = ''
        if type(length) ~= 'table' and length <= tonumber(ARGV[4]) then current = redis.call('GET', KEYS[1]) or '' end
        if current ~= ARGV[1] then return 0 end
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
        var reading = records.GetAsync(database, ForgedKind.Alerts, _key, "");
        var clock = database.ExecuteAsync("TIME");
        await Task.WhenAll(reading, clock).WaitAsync(s_limit, TimeProvider.System, cancellationToken);
        var value = await reading;
        var book = value.IsNull ? null : records.Read(ForgedKind.Alerts, _key.ToString(), "", value, AlertJsonContext.Default.AlertBook)?.Body;
        return (book, Version(value), Time(await clock));
    }

    public async Task<bool> TryWriteAsync(AlertBook book, string version, CancellationToken cancellationToken) =>
        (bool)await redis.GetDatabase().ScriptEvaluateAsync(
            WriteScript,
            [_key],
            [
                Encoding.Latin1.GetBytes(version),
                records.Sign(ForgedKind.Alerts, _key.ToString(), book, AlertJsonContext.Default.AlertBook),
                (long)s_expiry.TotalSeconds,
                SignedRecords.MaxBytes,
            ])
            .WaitAsync(s_limit, TimeProvider.System, cancellationToken);

    // Byte for byte: of bytes that are no text, which a stranger may have put there, a text would not be the same any more.
    private static string Version(RedisValue value) => Encoding.Latin1.GetString((byte[]?)value ?? []);

    // Seconds and microseconds.
    private static DateTimeOffset Time(RedisResult answer)
    {
        var parts = (string?[]?)answer ?? throw new RedisServerException("TIME returned nothing.");
        return DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[0]!, CultureInfo.InvariantCulture))
            .AddMicroseconds(long.Parse(parts[1]!, CultureInfo.InvariantCulture));
    }
}
