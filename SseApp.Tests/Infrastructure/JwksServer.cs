using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Infrastructure;

/// <summary>An issuer with discovery and a set of keys, which the test changes; it counts what it is asked, and can be away.</summary>
internal sealed class JwksServer : IAsyncDisposable
{
    private static readonly JsonWebTokenHandler s_handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly ConcurrentDictionary<string, (ECDsa Pair, string? Id)> _keys = new(StringComparer.Ordinal);
    private readonly WebApplication _app;
    private int _asked;
    private int _refused;

    private JwksServer(WebApplication app) => _app = app;

    public string Issuer { get; private set; } = "";

    /// <summary>How often the set was read.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>How often somebody asked while it was away.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Answers with 503.</summary>
    public bool IsAway { get; set; }

    /// <summary>Members of the set besides the keys, as they are.</summary>
    public List<string> More { get; } = [];

    /// <summary>Configuration of a service that trusts it.</summary>
    public (string Key, string Value)[] Settings => [("Security:AllowAnonymous", "false"), .. SettingsOf(0)];

    /// <summary>Itself as one of several issuers.</summary>
    public (string Key, string Value)[] SettingsOf(int index) =>
        [($"Security:Issuers:{index}:Issuer", Issuer), ($"Security:Issuers:{index}:Audience", Tokens.Audience), ($"Security:Issuers:{index}:Authority", Issuer)];

    public static async Task<JwksServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new JwksServer(app);
        app.Use((context, next) =>
        {
            if (!server.IsAway)
            {
                return next(context);
            }

            Interlocked.Increment(ref server._refused);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        app.MapGet("/.well-known/openid-configuration", () => Results.Text($$"""{"issuer":"{{server.Issuer}}","jwks_uri":"{{server.Issuer}}/keys"}""", "application/json"));
        app.MapGet("/keys", () =>
        {
            Interlocked.Increment(ref server._asked);
            return Results.Text($$"""{"keys":[{{string.Join(',', server._keys.Values.Select(PublicJson).Concat(server.More))}}]}""", "application/json");
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        server.Issuer = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return server;
    }

    /// <param name="name">What the test calls it.</param>
    /// <param name="id">Its <c>kid</c>; null: none.</param>
    public void AddKey(string name, string? id) => _keys[name] = (ECDsa.Create(ECCurve.NamedCurves.nistP256), id);

    /// <summary>Takes a key out of the set; tokens can still be signed with it.</summary>
    public Func<Action<Dictionary<string, object>>?, string> RemoveKey(string name)
    {
        _keys.TryRemove(name, out var key);
        return change => Sign(key.Pair, key.Id, "at+jwt", change);
    }

    public string Token(string name, string type = "at+jwt", Action<Dictionary<string, object>>? change = null, string? claimedId = null) =>
        Sign(_keys[name].Pair, claimedId ?? _keys[name].Id, type, change);

    /// <summary>A token that is signed with a key of anybody.</summary>
    public string Token(SecurityKey key, string algorithm) => Create(new SigningCredentials(key, algorithm), "at+jwt", null);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        foreach (var (pair, _) in _keys.Values)
        {
            pair.Dispose();
        }
    }

    private string Sign(ECDsa pair, string? id, string type, Action<Dictionary<string, object>>? change) =>
        Create(new SigningCredentials(new ECDsaSecurityKey(pair) { KeyId = id, CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } }, SecurityAlgorithms.EcdsaSha256), type, change);

    private string Create(SigningCredentials credentials, string type, Action<Dictionary<string, object>>? change)
    {
        var now = TimeProvider.System.GetUtcNow();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["aud"] = Tokens.Audience,
            ["sub"] = "alice",
            ["jti"] = Guid.NewGuid().ToString("N"),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
            [TokenClaims.DefaultSubscribe] = new[] { "t" },
        };
        change?.Invoke(claims);
        return s_handler.CreateToken(new SecurityTokenDescriptor { Claims = claims, TokenType = type, SigningCredentials = credentials });
    }

    private static string PublicJson((ECDsa Pair, string? Id) key)
    {
        var point = key.Pair.ExportParameters(includePrivateParameters: false).Q;
        var id = key.Id is null ? "" : $"\"kid\":{JsonSerializer.Serialize(key.Id)},";
        return $$"""{"kty":"EC","crv":"P-256",{{id}}"use":"sig","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}""";
    }
}
