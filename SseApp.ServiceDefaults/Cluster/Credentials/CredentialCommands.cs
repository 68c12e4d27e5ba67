using System.CommandLine;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// <c>keys add|list|remove</c> and <c>token</c>: commands of both services, which read the same configuration as the service, and
/// end without starting it.
/// </summary>
internal static class CredentialCommands
{
    private static readonly string[] s_names = ["keys", "token"];

    /// <summary>Whether the arguments are one of these commands.</summary>
    public static bool Are(string[] args) => args is [var name, ..] && s_names.Contains(name, StringComparer.Ordinal);

    /// <returns>The exit code of the process.</returns>
    public static Task<int> RunAsync(string[] args)
    {
        var options = new CredentialOptions();
        var configuration = WebApplication.CreateBuilder().Configuration;
        configuration.AddSecretFiles();
        Settings.Bind(configuration.GetSection(CredentialOptions.SectionName), options);
        var root = new RootCommand("Makes credentials for clients.") { Keys(options), Token(options) };
        return root.Parse(args).InvokeAsync();
    }

    private static Command Keys(CredentialOptions options)
    {
        var file = new Option<string?>("--file") { Description = $"The file of the keys; default: {CredentialOptions.SectionName}:{nameof(CredentialOptions.ApiKeyFile)}.", Recursive = true };
        var name = new Argument<string>("name") { Description = "Whose it is. Several keys may have one name: add the new one, use it, then remove the old one." };
        var subscribe = Patterns("--subscribe", "Topics that it may subscribe to.");
        var publish = Patterns("--publish", "Topics that it may publish to.");
        var scope = new Option<string[]>("--scope") { Description = $"{Grants.AdminScope} or {Grants.MetricsScope}.", AllowMultipleArgumentsPerToken = true };
        var add = new Command("add", "Makes a key and prints it once; only its SHA-256 is kept.") { name, subscribe, publish, scope };
        add.SetAction(parsed => Write(parsed.GetValue(file) ?? options.ApiKeyFile, (path, keys) =>
        {
            var (id, text) = ApiKey.New();
            var line = new ApiKeyLine(id, parsed.GetValue(name), Convert.ToHexStringLower(ApiKey.Hash(text)), parsed.GetValue(subscribe), parsed.GetValue(publish), parsed.GetValue(scope));
            ApiKeyStore.Write(path, [.. keys, line.ToStored("The new key")]);
            Console.Out.WriteLine(text);
            return 0;
        }));

        var list = new Command("list", "Lists the keys, without what is secret.");
        list.SetAction(parsed => Write(parsed.GetValue(file) ?? options.ApiKeyFile, static (_, keys) =>
        {
            foreach (var key in keys)
            {
                Console.Out.WriteLine($"{key.Id}  {key.Name}  subscribe {Shown(key.Grants.Subscribe)}  publish {Shown(key.Grants.Publish)}  {string.Join(' ', key.Grants.Scopes)}".TrimEnd());
            }

            return 0;
        }));

        var id = new Argument<string>("id") { Description = "The part of the key between the two '_', as 'keys list' prints it." };
        var remove = new Command("remove", "Takes a key back: within five seconds nobody gets in with it.") { id };
        remove.SetAction(parsed => Write(parsed.GetValue(file) ?? options.ApiKeyFile, (path, keys) =>
        {
            var removed = parsed.GetValue(id);
            if (!keys.Any(key => string.Equals(key.Id, removed, StringComparison.Ordinal)))
            {
                return Fail($"There is no key '{removed}' in {path}. 'keys list' prints those that there are.");
            }

            ApiKeyStore.Write(path, keys.Where(key => !string.Equals(key.Id, removed, StringComparison.Ordinal)));
            return 0;
        }));
        return new Command("keys", "API keys for servers.") { file, add, list, remove };
    }

    private static Command Token(CredentialOptions options)
    {
        var sub = new Option<string>("--sub") { Description = "Who has it.", Required = true };
        var subscribe = Patterns("--subscribe", "Topics that it may subscribe to.");
        var publish = Patterns("--publish", "Topics that it may publish to.");
        var scope = new Option<string[]>("--scope") { Description = $"{Grants.AdminScope} or {Grants.MetricsScope}.", AllowMultipleArgumentsPerToken = true };
        var life = new Option<string>("--for") { Description = "How long it is valid: 90s, 30m, 1h, 1d.", DefaultValueFactory = static _ => "1h" };
        var issuer = new Option<string?>("--issuer") { Description = $"Which of {CredentialOptions.SectionName}:{nameof(CredentialOptions.Issuers)}; needed when several have a {nameof(IssuerOptions.Key)}." };
        var command = new Command("token", $"Makes a token, signed with the {nameof(IssuerOptions.Key)} of an issuer: for small installations, and to try things.") { sub, subscribe, publish, scope, life, issuer };
        command.SetAction(parsed =>
        {
            IssuerOptions[] able = [.. options.Issuers.Where(one => !string.IsNullOrEmpty(one.Key) && (parsed.GetValue(issuer) is not { } wanted || string.Equals(one.Issuer, wanted, StringComparison.Ordinal)))];
            if (able is not [var chosen])
            {
                return Fail(able.Length == 0
                    ? $"No issuer has a {nameof(IssuerOptions.Key)} that tokens can be signed with here. Set {CredentialOptions.SectionName}__Issuers__0__Issuer, __Audience and __Key (openssl rand -base64 32), for the services, too."
                    : $"Several issuers have a {nameof(IssuerOptions.Key)}: choose one with --issuer ({string.Join(", ", able.Select(one => one.Issuer))}).");
            }

            if (ReadLife(parsed.GetValue(life)!) is not { } time || time > options.MaxTokenLifetime)
            {
                return Fail($"--for is '{parsed.GetValue(life)}'; it must be a time such as 90s, 30m, 1h or 1d, of at most {options.MaxTokenLifetime:c} ({CredentialOptions.SectionName}:{nameof(options.MaxTokenLifetime)}).");
            }

            string[] reading = parsed.GetValue(subscribe) ?? [];
            string[] writing = parsed.GetValue(publish) ?? [];
            if (Array.Find([.. reading, .. writing], pattern => !PatternTemplate.IsValid(pattern)) is { } wrong)
            {
                return Fail($"'{wrong}' is no pattern of topics. {PatternTemplate.RuleOf(wrong)}");
            }

            try
            {
                var now = TimeProvider.System.GetUtcNow().UtcDateTime;
                var claims = new Dictionary<string, object>(StringComparer.Ordinal)
                {
                    [JwtRegisteredClaimNames.Sub] = parsed.GetValue(sub)!,
                    [JwtRegisteredClaimNames.Jti] = Guid.NewGuid().ToString("N"),
                    [options.SubscribeClaim] = reading,
                    [options.PublishClaim] = writing,
                };
                if (parsed.GetValue(scope) is { Length: > 0 } scopes)
                {
                    claims["scope"] = string.Join(' ', scopes);
                }

                Console.Out.WriteLine(new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
                {
                    Issuer = chosen.Issuer,
                    Audience = chosen.Audience,
                    IssuedAt = now,
                    NotBefore = now,
                    Expires = now + time,
                    Claims = claims,
                    SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(TokenIssuer.SharedKey(chosen.Key!)), SecurityAlgorithms.HmacSha256),
                }));
                return 0;
            }
            catch (ArgumentException exception)
            {
                return Fail(exception.ForPeople());
            }
        });
        return command;
    }

    private static Option<string[]> Patterns(string name, string description) =>
        new(name) { Description = $"{description} '*' stands for any characters, '?' for one; several may be given.", AllowMultipleArgumentsPerToken = true };

    private static string Shown(IReadOnlyList<string> patterns) => patterns.Count > 0 ? string.Join(' ', patterns) : "nothing";

    private static TimeSpan? ReadLife(string text) => text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
        ? text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' when count <= 3650 => TimeSpan.FromDays(count),
            _ => null,
        }
        : null;

    private static int Write(string? path, Func<string, IReadOnlyList<StoredApiKey>, int> change)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            return Fail($"Which file has the keys? Name it with --file, and in the configuration of the services with {CredentialOptions.SectionName}:{nameof(CredentialOptions.ApiKeyFile)} (variable {CredentialOptions.SectionName}__{nameof(CredentialOptions.ApiKeyFile)}).");
        }

        try
        {
            return change(path, File.Exists(path) ? ApiKeyStore.Read(path) : []);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Fail($"{path}: {exception.ForPeople()}");
        }
    }

    private static int Fail(string problem)
    {
        Console.Error.WriteLine(problem);
        return 1;
    }
}
