using System.Collections.Concurrent;
using System.Text.Json.Serialization.Metadata;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>
/// The one way in which what lies in Redis, or comes over its channels, becomes something that steers. What nobody with the
/// cluster's key has written there is skipped and counted, whatever it is (another type of value, bytes, too large, unsigned),
/// so that nothing can be ignored unseen, and nothing bad hides what is good.
/// </summary>
internal sealed partial class SignedRecords(RecordSignature signature, ForgedRecords forged, ILogger<SignedRecords> logger)
{
    /// <summary>No record is nearly as large; a larger value is not even fetched.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>The fault of a key that holds a list, a set, or anything else that is not a string.</summary>
    public const string WrongType = "its key holds another type of value";

    /// <summary>The fault of a value of more than <see cref="MaxBytes"/>.</summary>
    public const string TooLarge = "it is too large";

    private const int MaxReported = 1_000;

    // Why a record could not be read, as long as it is the reason: some are read once a second.
    private readonly ConcurrentDictionary<(string Kind, string Name), string> _reported = new();

    /// <summary>See <see cref="RecordSignature.KeysChange"/>.</summary>
    public bool KeysChange => signature.KeysChange;

    /// <summary>The signed form of a record.</summary>
    public string Sign<T>(string kind, string place, T body, JsonTypeInfo<T> type) => signature.Sign(kind, place, JsonSerializer.Serialize(body, type));

    /// <summary>The value of a key that may hold a record. Null if there is none, or, counted, something that can be none.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public async Task<RedisValue> GetAsync(IDatabase database, string kind, RedisKey key, string name)
    {
        try
        {
            var value = await database.StringGetRangeAsync(key, 0, MaxBytes);
            if (value.Length() <= MaxBytes)
            {
                return value.IsNullOrEmpty ? RedisValue.Null : value;
            }

            forged.Add(kind, name, TooLarge);
        }
        catch (RedisServerException exception) when (RedisErrors.IsWrongType(exception))
        {
            forged.Add(kind, name, WrongType);
        }

        return RedisValue.Null;
    }

    /// <summary>The record, or null for one that does not count: counted if it is not signed, logged if this version cannot read it.</summary>
    /// <param name="kind">A <see cref="ForgedKind"/>.</param>
    /// <param name="place">Its key or channel.</param>
    /// <param name="name">By which it is reported.</param>
    /// <param name="text">What is there.</param>
    /// <param name="type">Of the body.</param>
    /// <param name="current">Whether it has to be younger than <see cref="RecordSignature.Lifetime"/>.</param>
    public SignedRecord<T>? Read<T>(string kind, string place, string name, string? text, JsonTypeInfo<T> type, bool current = false)
        where T : class
    {
        if ((current ? signature.VerifyCurrent(kind, place, text, out var fault) : signature.Verify(kind, place, text, out fault)) is not { } signed)
        {
            forged.Add(kind, name, fault);
            return null;
        }

        var reason = "it is null";
        try
        {
            if (JsonSerializer.Deserialize(signed.Body, type) is { } body)
            {
                _reported.TryRemove((kind, name), out _);
                return new SignedRecord<T>(signed.At, body, signed.Signature, signature.Renew(kind, place, signed));
            }
        }
        catch (JsonException exception)
        {
            // Without the position, which changes from heartbeat to heartbeat with the numbers before it.
            reason = $"{exception.Message.Split(" Path: ", 2)[0]} At {exception.Path}.";
        }

        if (!_reported.TryGetValue((kind, name), out var reported) || reported != reason)
        {
            if (_reported.Count >= MaxReported)
            {
                _reported.Clear();
            }

            _reported[(kind, name)] = reason;
            LogUnreadable(kind, name, reason);
        }

        return null;
    }

    /// <summary>Why something signed then counts no more, or not yet; null if it counts.</summary>
    public string? AgeFault(DateTimeOffset at) => signature.AgeFault(at);

    /// <summary>Counts what is signed and still does not count here and now.</summary>
    public void Reject(string kind, string name, string why) => forged.Add(kind, name, why);

    [LoggerMessage(LogLevel.Warning, "Ignoring the {Kind} of {Name}, which this version cannot read: {Reason}")]
    private partial void LogUnreadable(string kind, string name, string reason);
}

/// <summary>
/// What somebody with the cluster's key has written, when, the signature, by which a repetition is known, and, if only the previous
/// key has signed it, how it is signed with the current one: what is kept for days would be nobody's when the previous key goes.
/// </summary>
internal sealed record SignedRecord<T>(DateTimeOffset At, T Body, string Signature, string? Renewed = null);
