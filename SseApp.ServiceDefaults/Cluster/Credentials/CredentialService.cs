using Microsoft.IdentityModel.Protocols;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Says of a credential whose it is and what it may. Keeps what that needs: keys of issuers are asked for every half minute, so
/// that one that was taken back is known within a minute, and the file of API keys is looked at every few seconds.
/// </summary>
internal sealed partial class CredentialService : BackgroundService
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    private readonly CredentialOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CredentialService> _logger;
    private readonly IssuerKeys[] _authorities;
    private readonly TokenIssuer[] _issuers;
    private readonly TokenVerifier _verifier;
    private readonly Revocations _revocations;
    private readonly bool _isOpen;
    private readonly bool _isDevelopment;
    private volatile ApiKeys _keys = new([]);
    private string? _keysSeen;
    private int _keysVersion;

    public CredentialService(IOptions<CredentialOptions> options, IHostEnvironment environment, Revocations revocations, TimeProvider time, ILoggerFactory logs)
    {
        _options = options.Value;
        _revocations = revocations;
        _time = time;
        _logger = logs.CreateLogger<CredentialService>();
        _isOpen = _options.IsOpen(environment);
        _isDevelopment = environment.IsDevelopment();
        var authorities = new List<IssuerKeys>();
        _issuers = [.. _options.Issuers.Select(issuer => TokenIssuer.Create(issuer, authority =>
        {
            // Of its own, and not the services' defaults: those would repeat and cut what is asked here.
            var http = new HttpClient(new CutConnectionHandler(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false, Proxy = new OutsideProxy() })) { MaxResponseContentBufferSize = 1024 * 1024 };
            authorities.Add(new IssuerKeys(authority, new HttpDocumentRetriever(http) { RequireHttps = !authority.IsLoopback }, time, logs.CreateLogger<IssuerKeys>()));
            return authorities[^1];
        }))];
        _authorities = [.. authorities];
        _verifier = new TokenVerifier(
            _issuers,
            new TokenClaims(_options.SubscribeClaim, _options.PublishClaim, [.. _options.Grants.Select(grant => new ClaimGrant(grant.Claim, grant.Value, [.. grant.Subscribe], [.. grant.Publish]))]),
            _options.MaxTokenLifetime,
            time);
        Anonymous = _isOpen ? Principal.Everybody : Principal.Stranger([.. _options.PublicTopics]);
        ReadKeys();
    }

    /// <summary>Who sends no credential.</summary>
    public Principal Anonymous { get; }

    /// <summary>False where nobody's tokens and keys count: what is sent there, such as the password of a proxy in front, is not ours to refuse.</summary>
    public bool Reads => _options.AnySource;

    /// <summary>The caller of a request without a credential; one for all, because a stream keeps it.</summary>
    public Caller Stranger => field ??= new Caller(Anonymous, null, null, CredentialSource.None);

    /// <summary>What is said of a service that lets everybody do everything; null when it does not.</summary>
    public string? OpenWarning => !_isOpen ? null
        : _options.AllowAnonymous ? $"{CredentialOptions.SectionName}:{nameof(CredentialOptions.AllowAnonymous)} is true: everybody may subscribe and publish to every topic."
        : $"Development: everybody may subscribe and publish to every topic. Elsewhere the service does not start before {CredentialOptions.SectionName}:{nameof(CredentialOptions.Issuers)} or API keys are set; see docs/security.md.";

    /// <summary>The pattern that lets the principal subscribe to a topic; null: none. What everybody may, each may.</summary>
    public string? SubscribedBy(Principal principal, string topic) => principal.Grants.SubscribedBy(topic) ?? Anonymous.Grants.SubscribedBy(topic);

    /// <summary>The first of the topics that the principal may not subscribe to; null: it may all.</summary>
    public string? DeniedOf(Principal principal, string[] topics) => Array.Find(topics, topic => SubscribedBy(principal, topic) is null);

    /// <summary>The pattern that lets the principal publish to a topic; null: none.</summary>
    public string? PublishedBy(Principal principal, string topic) => principal.Grants.PublishedBy(topic) ?? Anonymous.Grants.PublishedBy(topic);

    /// <param name="credential">A token or an API key.</param>
    public ValueTask<Verification> VerifyAsync(string credential)
    {
        if (credential.StartsWith(ApiKey.Prefix, StringComparison.Ordinal))
        {
            return ValueTask.FromResult(NotRevoked(_keys.Verify(credential)));
        }

        if (_issuers.Length == 0)
        {
            return ValueTask.FromResult(Verification.Refused(AuthReason.TokenInvalid, $"No issuer of tokens is known here ({CredentialOptions.SectionName}:{nameof(CredentialOptions.Issuers)})."));
        }

        var verifying = _verifier.VerifyAsync(credential);
        return verifying.IsCompletedSuccessfully ? ValueTask.FromResult(NotRevoked(verifying.Result)) : AwaitAsync(verifying);

        async ValueTask<Verification> AwaitAsync(ValueTask<Verification> pending) => NotRevoked(await pending);
    }

    /// <summary>Whether the text is the name of an API key, and no key's id.</summary>
    public bool IsOnlyKeyName(string text) => _keys.IsOnlyName(text);

    /// <summary>
    /// Why the id cannot be that of an API key, with the one that may be meant; null: it can. Without a file of keys nobody can say.
    /// </summary>
    public string? UnknownKey(string id)
    {
        if (string.IsNullOrWhiteSpace(_options.ApiKeyFile))
        {
            return null;
        }

        // A key may have been added since the file was looked at.
        ReadKeys();
        return _keys.IsId(id) ? null
            : $"There is no API key of this id in {nameof(CredentialOptions.ApiKeyFile)} as this process reads it"
                + (_keys.Similar(id) is { } similar ? $"; did you mean '{similar}'?" : ".") + " 'keys list' prints the ids. A key that was removed from the file counts no more. Nothing was revoked.";
    }

    /// <summary>
    /// Whether what was valid still is, apart from its end: it was not revoked, its key was not removed, and its issuer still has
    /// the key that signed it.
    /// </summary>
    public bool StillCounts(Principal principal) => principal.Kind switch
    {
        CredentialKind.None => true,
        CredentialKind.ApiKey => _keys.Has(principal, Anonymous.Grants) && !_revocations.IsRevoked(principal),
        _ => _verifier.HasKey(principal) && !_revocations.IsRevoked(principal),
    };

    /// <summary>The moment, for <see cref="StillLetsIn"/>.</summary>
    public long Now => _time.GetTimestamp();

    /// <summary>Whether a credential that was verified would be found valid again. As with tokens, what was seen too long ago is verified anew.</summary>
    /// <param name="principal">Whose it is.</param>
    /// <param name="foundAt">When it was verified, as <see cref="Now"/> said.</param>
    public bool StillLetsIn(Principal principal, long foundAt) =>
        _time.GetElapsedTime(foundAt) < VerifiedTokens.Remembered
        && (principal.ExpiresAt is not { } end || end > _time.GetUtcNow())
        && StillCounts(principal);

    /// <summary>Who was let in, asked once more, because bodies may come and go slowly: meanwhile the credential may have ended, or been taken back.</summary>
    public Verification VerifyAgain(Principal principal) =>
        principal.ExpiresAt is { } end && end + TokenIssuer.ClockSkew <= _time.GetUtcNow() ? Verification.Refused(AuthReason.TokenExpired, "The credential came to its end before the whole body was there. Nothing was stored.")
        : !StillCounts(principal) ? Verification.Refused(AuthReason.TokenRevoked, "The credential was revoked, removed or changed before the whole body was there. Nothing was stored.")
        : new(principal);

    /// <summary>What a ticket's principal is now: like <see cref="VerifyAsync"/>, of a credential that was verified when the ticket was made.</summary>
    public Verification Verify(Ticket ticket) => NotRevoked(new(ticket.Principal)) is { Principal: null } refused ? refused
        : StillCounts(ticket.Principal) ? new(ticket.Principal)
        : Verification.Refused(AuthReason.TokenRevoked, "The credential that the ticket was made with counts no more.");

    /// <summary>Changes whenever the answer of <see cref="StillCounts"/> may have changed for somebody.</summary>
    public int Version
    {
        get
        {
            // Asked at each round of the fan-out, so without garbage.
            var version = _revocations.Version + Volatile.Read(ref _keysVersion);
            foreach (var authority in _authorities)
            {
                version += authority.Version;
            }

            return version;
        }
    }

    private Verification NotRevoked(Verification found) => found.Principal is not { } principal ? found
        : !_revocations.IsRead ? Verification.Refused(AuthReason.Unavailable, "Whether the credential was revoked cannot be said before Redis was reached once. Try again in a moment.")
        : _revocations.IsRevoked(principal) ? Verification.Refused(AuthReason.TokenRevoked, "The credential was revoked. Sign in again, or use another key. After a revocation by 'sub' tokens count that are issued half a minute later or more.")
        : found;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (OpenWarning is { } warning)
        {
            if (_isDevelopment)
            {
                LogOpenDevelopment(warning);
            }
            else
            {
                LogOpen(warning);
            }
        }

        if (_authorities.Length == 0 && string.IsNullOrWhiteSpace(_options.ApiKeyFile))
        {
            return;
        }

        using var timer = new PeriodicTimer(s_look, _time);
        try
        {
            do
            {
                ReadKeys();
                // Each keeps to its own interval.
                await Task.WhenAll(_authorities.Select(authority => authority.AskAsync()));
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private void ReadKeys()
    {
        lock (_authorities)
        {
            ReadKeysOnce();
        }
    }

    private void ReadKeysOnce()
    {
        if (string.IsNullOrWhiteSpace(_options.ApiKeyFile))
        {
            return;
        }

        try
        {
            // A mounted secret is replaced by another link, with any time of change.
            var text = File.ReadAllText(_options.ApiKeyFile);
            if (!string.Equals(text, _keysSeen, StringComparison.Ordinal))
            {
                _keys = new ApiKeys(ApiKeyStore.Read(_options.ApiKeyFile));
                _keysSeen = text;
                Interlocked.Increment(ref _keysVersion);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Once for each state of the file.
            if (!string.Equals(_keysSeen, exception.Message, StringComparison.Ordinal))
            {
                _keysSeen = exception.Message;
                LogKeys(_options.ApiKeyFile, exception.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Warning}")]
    private partial void LogOpen(string warning);

    [LoggerMessage(LogLevel.Information, "{Warning}")]
    private partial void LogOpenDevelopment(string warning);

    [LoggerMessage(LogLevel.Error, "The file of API keys {File} cannot be read; the keys that were read last stay valid: {Reason}")]
    private partial void LogKeys(string file, string reason);
}
