using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Bench.Access;

/// <summary>Redis and two replicas with keys of their own: one that is open to everybody, and one that asks for credentials.</summary>
internal sealed class AccessCluster(Workspace workspace) : Subject(workspace, cores: null)
{
    private const string Issuer = "bench";

    private static readonly string[] s_patterns = ["t*"];
    private static readonly TimeSpan s_life = TimeSpan.FromHours(1);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly JsonWebTokenHandler _handler = new();

    public override string Name => "access";

    public override string Description => "SseApp.Events, open and closed";

    public MeasuredReplica Open { get; private set; } = null!;

    public MeasuredReplica Closed { get; private set; } = null!;

    public string ApiKey { get; private set; } = "";

    public override string? Missing() => RedisMissing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var redis = await StartRedisAsync(cancellationToken);
        var key = ServiceDefaults.Cluster.Credentials.ApiKey.New();
        var file = Path.Combine(Workspace.FreshDirectory("access.keys"), "keys.json");
        ApiKeyStore.Write(file, [new StoredApiKey(key.Id, Issuer, ServiceDefaults.Cluster.Credentials.ApiKey.Hash(key.Text), new Grants(s_patterns, s_patterns, []))]);
        ApiKey = key.Text;
        Open = await StartReplicaAsync("open", redis, cancellationToken);
        Closed = await StartReplicaAsync(
            "closed",
            redis,
            cancellationToken,
            ("Security__AllowAnonymous", "false"),
            ("Security__Issuers__0__Issuer", Issuer),
            ("Security__Issuers__0__Audience", Issuer),
            ("Security__Issuers__0__Key", Convert.ToBase64String(_key)),
            // So that a connect without a credential can be measured there, too; what a token may is asked first.
            ("Security__PublicTopics__0", AccessLoad.Topic),
            ("Security__ApiKeyFile", file));
        return Target.Ours(Closed.Url);
    }

    /// <summary>A token that no replica has seen.</summary>
    public string NewToken()
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Issuer,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + s_life,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                [JwtRegisteredClaimNames.Sub] = Guid.NewGuid().ToString("N"),
                [TokenClaims.DefaultSubscribe] = s_patterns,
                [TokenClaims.DefaultPublish] = s_patterns,
            },
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(TokenIssuer.SharedKey(Convert.ToBase64String(_key))), SecurityAlgorithms.HmacSha256),
        });
    }

    private async Task<MeasuredReplica> StartReplicaAsync(string name, int redis, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        var port = Workspace.FreePort();
        var process = await StartServiceAsync(name, "SseApp.Events", port, cancellationToken, [.. OursSubject.Environment(port, redis), ("Cluster__KeyPrefix", name), .. settings]);
        return new MeasuredReplica(Target.Local(port), process.Id);
    }
}

/// <param name="Url">Where it answers.</param>
/// <param name="Process">Its id.</param>
internal sealed record MeasuredReplica(Uri Url, int Process);
