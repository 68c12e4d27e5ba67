using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// The keys of an issuer, from where it describes itself (OpenID Connect discovery, RFC 8414; JWKS, RFC 7517). The platform's
/// retriever reads them; how often, and how long old ones serve, is decided here: strangers who make up key ids must not make
/// us ask, and an issuer that is away for an hour must not lock everybody out.
/// </summary>
internal sealed partial class IssuerKeys(Uri authority, IDocumentRetriever documents, TimeProvider time, ILogger<IssuerKeys> logger)
{
    /// <summary>A key id that is not known is asked for at most as often, unless the attempt before failed.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(30);

    /// <summary>How long keys serve while the issuer cannot be reached.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);

    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(5);

    // After a failure, and twice as long after each that follows: a key that left the set is to be known within a minute although the
    // issuer has not answered once or twice, and an issuer that is away is not asked more often for it.
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(5);

    // Asked for each token that is verified.
    private static readonly ConditionalWeakTable<SecurityKey, string?> s_ids = [];

    private readonly string _address = $"{authority.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration";
    private readonly Lock _gate = new();
    private volatile Known? _known;
    private Task? _asking;
    private long _askedAt = long.MinValue;
    // Null while the last attempt succeeded.
    private TimeSpan? _retryAfter;
    private int _weak;
    private int _version;

    /// <summary>The keys, of which one has this id if the issuer knows it; null while there were never any, or none for a day.</summary>
    public async ValueTask<ICollection<SecurityKey>?> FindAsync(string? keyId)
    {
        if (Current is not { } known || !IsIn(known, keyId))
        {
            await AskAsync();
        }

        return Current?.Keys;
    }

    /// <summary>Changes with the set.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>
    /// Names a key by what it is (RFC 7638), because a token may come without a key id, and an issuer may give a new key the id of
    /// the one before.
    /// </summary>
    public static string? IdOf(SecurityKey? key) => key is null ? null : s_ids.GetValue(key, static some => some.CanComputeJwkThumbprint() ? Base64Url.EncodeToString(some.ComputeJwkThumbprint()) : some.KeyId);

    /// <summary>Whether a key has not been taken out of the set; true while nothing is known.</summary>
    /// <param name="id">Its <see cref="IdOf"/>.</param>
    public bool Has(string? id) => id is null || Current is not { } known || known.Ids.Contains(id);

    /// <summary>Asks again, unless that was done a moment ago.</summary>
    public Task AskAsync()
    {
        lock (_gate)
        {
            if (_asking is { IsCompleted: false } asking)
            {
                return asking;
            }

            if (_askedAt != long.MinValue && time.GetElapsedTime(_askedAt) < (_retryAfter ?? MinInterval))
            {
                return Task.CompletedTask;
            }

            _askedAt = time.GetTimestamp();
            return _asking = ReadAsync();
        }
    }

    private Known? Current => _known is { } known && time.GetElapsedTime(known.At) < MaxAge ? known : null;

    private static bool IsIn(Known known, string? keyId) => keyId is null || known.Keys.Any(key => string.Equals(key.KeyId, keyId, StringComparison.Ordinal));

    // A file with such a key is refused, too.
    private static bool IsWeak(SecurityKey key) =>
        (key is RsaSecurityKey or X509SecurityKey { PublicKey: RSA } or JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA }) && key.KeySize < TokenIssuer.MinRsaBits;

    // Once for each time that there are others.
    private void ReportWeak(int count)
    {
        if (count > 0 && count != _weak)
        {
            LogWeak(count, _address, TokenIssuer.MinRsaBits);
        }

        _weak = count;
    }

    private async Task ReadAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(s_answerLimit, time);
            var described = await OpenIdConnectConfigurationRetriever.GetAsync(_address, documents, limit.Token);
            // A shared key in a public set would be everybody's.
            SecurityKey[] all = [.. described.SigningKeys.Where(key => key is not SymmetricSecurityKey and not JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.Octet })];
            SecurityKey[] keys = [.. all.Where(static key => !IsWeak(key))];
            ReportWeak(all.Length - keys.Length);
            if (keys.Length == 0)
            {
                throw new InvalidOperationException("It has no key to verify signatures with.");
            }

            var before = _known;
            _known = new Known(keys, keys.Select(IdOf).OfType<string>().ToHashSet(StringComparer.Ordinal), time.GetTimestamp());
            if (before is null || !before.Ids.SetEquals(_known.Ids))
            {
                Interlocked.Increment(ref _version);
            }

            if (_retryAfter is not null)
            {
                _retryAfter = null;
                LogBack(_address);
            }
        }
#pragma warning disable CA1031 // Whatever goes wrong there, the keys that are known serve on; the log says it once.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (_retryAfter is not { } last)
            {
                _retryAfter = s_firstRetry;
                LogUnreachable(_address, exception.GetBaseException().Message.ReplaceLineEndings(" "));
            }
            else
            {
                _retryAfter = last * 2 < MinInterval ? last * 2 : MinInterval;
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The keys of the issuer cannot be read at {Address}: {Reason} Keys that are known serve for a day; until there are any, its tokens are answered with 503.")]
    private partial void LogUnreachable(string address, string reason);

    [LoggerMessage(LogLevel.Warning, "{Count} RSA keys of the issuer at {Address} are ignored: they have fewer than {Bits} bits. Tokens that are signed with them are refused; let the issuer make a longer key.")]
    private partial void LogWeak(int count, string address, int bits);

    [LoggerMessage(LogLevel.Information, "The keys of the issuer can be read at {Address} again.")]
    private partial void LogBack(string address);

    private sealed record Known(ICollection<SecurityKey> Keys, HashSet<string> Ids, long At);
}
