using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Section <c>Security</c>: whose tokens and keys count, and what they may. The same for replicas, which decide, and gateways,
/// which pass on what clients send. In Development all is open as long as neither issuers nor API keys are set.
/// </summary>
internal sealed class CredentialOptions : IValidatableObject
{
    public const string SectionName = "Security";

    /// <summary>Who makes tokens that count here. Default none.</summary>
    public IList<IssuerOptions> Issuers { get; } = [];

    /// <summary>
    /// File with the API keys, of which it has the SHA-256; <c>keys add</c> writes it. It is read again within five seconds
    /// after it has changed. Default none.
    /// </summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>What a claim of a token gives, for issuers that cannot put patterns into their tokens. Default none.</summary>
    public IList<GrantOptions> Grants { get; } = [];

    /// <summary>Topics that everybody may subscribe to, without a credential too; <c>*</c> stands for any characters, <c>?</c> for one. Default none.</summary>
    public IList<string> PublicTopics { get; } = [];

    /// <summary>
    /// Whoever sends no credential may subscribe and publish to every topic. What is sent is verified all the same, and refused
    /// if it is not valid. Operators have their key in any case. Default false.
    /// </summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Longest life of a token, from its <c>iat</c> to its <c>exp</c>. Default one day.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan MaxTokenLifetime { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Name of the claim with the patterns of topics that a token may subscribe to.</summary>
    [Required]
    public string SubscribeClaim { get; set; } = TokenClaims.DefaultSubscribe;

    /// <summary>Name of the claim with the patterns of topics that a token may publish to.</summary>
    [Required]
    public string PublishClaim { get; set; } = TokenClaims.DefaultPublish;

    internal bool AnySource => Issuers.Count > 0 || !string.IsNullOrWhiteSpace(ApiKeyFile);

    /// <summary>Whether who sends no credential may do everything that clients may.</summary>
    internal bool IsOpen(IHostEnvironment environment) => AllowAnonymous || (environment.IsDevelopment() && !AnySource);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < Issuers.Count; i++)
        {
            foreach (var problem in Issuers[i].Problems())
            {
                yield return new ValidationResult($"{nameof(Issuers)}:{i}{problem}", [nameof(Issuers)]);
            }
        }

        foreach (var twice in Issuers.GroupBy(issuer => issuer.Issuer, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            yield return new ValidationResult($"{nameof(Issuers)} has the issuer '{twice.Key}' {twice.Count()} times; each issuer has one key or one authority.", [nameof(Issuers)]);
        }

        for (var i = 0; i < Grants.Count; i++)
        {
            foreach (var problem in Grants[i].Problems())
            {
                yield return new ValidationResult($"{nameof(Grants)}:{i}{problem}", [nameof(Grants)]);
            }
        }

        foreach (var pattern in PublicTopics.Where(pattern => !TopicPattern.IsValid(pattern)))
        {
            yield return new ValidationResult($"{nameof(PublicTopics)} has '{pattern}', which is no pattern of topics. {TopicPattern.Rule}", [nameof(PublicTopics)]);
        }
    }
}

/// <summary>An issuer of tokens, and one of: the key that it shares with this service, its public key, or where its keys are.</summary>
internal sealed class IssuerOptions
{
    /// <summary>The <c>iss</c> of its tokens, character for character.</summary>
    [Required]
    public string Issuer { get; set; } = "";

    /// <summary>The <c>aud</c> that its tokens must have: what the issuer calls this service.</summary>
    [Required]
    public string Audience { get; set; } = "";

    /// <summary>
    /// Where the issuer describes itself (OpenID Connect discovery): <c>/.well-known/openid-configuration</c> below this
    /// address says where its keys are (JWKS). HTTPS, except to this machine.
    /// </summary>
    public Uri? Authority { get; set; }

    /// <summary>A key that the issuer shares with this service, at least 32 bytes: HS256.</summary>
    [DataType(DataType.Password)]
    public string? Key { get; set; }

    /// <summary>File with the issuer's public key in PEM: RSA of 2048 bits or more, or an elliptic curve of NIST.</summary>
    public string? PublicKeyFile { get; set; }

    /// <summary>Algorithms that tokens may be signed with, of those that the kind of key has. Default all of these. With an authority: RS256, PS256, ES256, ES384, ES512.</summary>
    public IList<string> Algorithms { get; } = [];

    /// <summary>
    /// With an authority, only access tokens count: <c>typ</c> is <c>at+jwt</c> (RFC 9068), so that nobody gets in with an ID
    /// token. Set it to false for issuers that do not write the type.
    /// </summary>
    public bool RequireAccessTokenType { get; set; } = true;

    internal IEnumerable<string> Problems()
    {
        var given = new[] { Authority is not null ? nameof(Authority) : null, string.IsNullOrEmpty(Key) ? null : nameof(Key), string.IsNullOrEmpty(PublicKeyFile) ? null : nameof(PublicKeyFile) }.OfType<string>().ToArray();
        if (given.Length != 1)
        {
            yield return given.Length == 0
                ? $" has no key: set {nameof(Authority)}, {nameof(Key)} or {nameof(PublicKeyFile)}."
                : $" has {string.Join(" and ", given)}; set one of them.";
            yield break;
        }

        if (Authority is { } authority && !(authority.IsAbsoluteUri && (authority.Scheme == Uri.UriSchemeHttps || (authority.Scheme == Uri.UriSchemeHttp && authority.IsLoopback)) && authority.UserInfo.Length == 0))
        {
            yield return $":{nameof(Authority)} must be an https address, or one of this machine, without a name or password in it.";
        }

        foreach (var algorithm in Algorithms.Where(algorithm => !TokenIssuer.Algorithms(given[0]).Contains(algorithm, StringComparer.Ordinal)))
        {
            yield return $":{nameof(Algorithms)} has '{algorithm}'; with {given[0]} it may have {string.Join(", ", TokenIssuer.Algorithms(given[0]))}.";
        }
    }
}

/// <summary>Whoever has a token with a claim of this value may besides subscribe and publish to these topics.</summary>
internal sealed class GrantOptions
{
    /// <summary>Name of the claim.</summary>
    [Required]
    public string Claim { get; set; } = "";

    /// <summary>The value that it has, or one of its values.</summary>
    [Required]
    public string Value { get; set; } = "";

    /// <summary>Patterns of topics to subscribe to, with <c>{sub}</c> and other claims.</summary>
    public IList<string> Subscribe { get; } = [];

    /// <summary>Patterns of topics to publish to.</summary>
    public IList<string> Publish { get; } = [];

    internal IEnumerable<string> Problems()
    {
        foreach (var pattern in Subscribe.Concat(Publish).Where(pattern => !PatternTemplate.IsValid(pattern)))
        {
            yield return $" has '{pattern}', which is no pattern of topics. {PatternTemplate.RuleOf(pattern)}";
        }
    }
}

/// <summary>Stops the start where nobody has said who may what.</summary>
internal sealed class CredentialValidator(IHostEnvironment environment) : IValidateOptions<CredentialOptions>
{
    private const string Section = CredentialOptions.SectionName;

    public ValidateOptionsResult Validate(string? name, CredentialOptions options)
    {
        if (!options.AnySource && !options.IsOpen(environment))
        {
            return ValidateOptionsResult.Fail(
                $"Nobody could use this service: outside Development {Section}:{nameof(options.Issuers)} (whose tokens count) or {Section}:{nameof(options.ApiKeyFile)} must be set. "
                + $"To let everybody subscribe and publish without a credential, set {Section}:{nameof(options.AllowAnonymous)}=true (variable {Section}__{nameof(options.AllowAnonymous)}). docs/security.md has four ways to begin.");
        }

        // What can be read wrongly is read now, not at the first request.
        string[] wrong = [.. options.Issuers.Select(Problem).OfType<string>(), .. new[] { ApiKeyStore.Problem(options.ApiKeyFile) }.OfType<string>()];
        return wrong.Length > 0 ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
    }

    private static string? Problem(IssuerOptions options, int index)
    {
        try
        {
            _ = TokenIssuer.Create(options, static _ => null!);
            return !string.IsNullOrEmpty(options.PublicKeyFile) && OpenFile.Writable(options.PublicKeyFile) is { } open
                ? $"{Section}:{nameof(CredentialOptions.Issuers)}:{index}:{nameof(IssuerOptions.PublicKeyFile)} is '{options.PublicKeyFile}', {open}."
                : null;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return $"{Section}:{nameof(CredentialOptions.Issuers)}:{index}: {exception.ForPeople()}";
        }
    }
}
