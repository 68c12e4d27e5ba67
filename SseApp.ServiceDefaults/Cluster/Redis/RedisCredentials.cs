using System.Net.Sockets;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Redis;

internal static class RedisCredentials
{
    /// <summary>What it means that there are none, and what to do; without the full stop.</summary>
    public const string Missing =
        "has no password: whoever reaches that Redis can read and change everything that the cluster keeps there. "
        + "Set requirepass (or a user) on the server and add ',password=…' to the connection string";

    /// <summary>
    /// The setting for a password that cannot stand in a connection string, whose parts a comma ends and whose blanks at either side are
    /// cut off. The platform reads it; it goes before that of the connection string.
    /// </summary>
    public const string PasswordSetting = "Aspire:StackExchange:Redis:ConfigurationOptions:Password";

    private const string PasswordOption = "password";

    // As the client's Parse has them.
    private static readonly string[] s_options =
    [
        "abortConnect", "allowAdmin", "asyncTimeout", "channelPrefix", "checkCertificateRevocation", "configChannel", "configCheckSeconds", "connectRetry",
        "connectTimeout", "defaultDatabase", "heartbeatConsistencyChecks", "highIntegrity", "keepAlive", "name", PasswordOption, "preserveAsyncOrder", "protocol", "proxy",
        "resolveDns", "responseTimeout", "serviceName", "setlib", "ssl", "sslHost", "sslProtocols", "syncTimeout", "tiebreaker", "tunnel", "user", "version", "writeBuffer",
    ];

    /// <summary>What says that the password of a connection string was cut off at a comma, without a part of it; null: nothing does.</summary>
    public static string? Cut(string connectionString)
    {
        var parts = connectionString.Split(',').SkipWhile(static part => !IsPassword(part)).Skip(1).Select(static part => part.Trim()).ToArray();
        if (Array.Find(parts, static part => part.Length > 0 && (part.IndexOf('=', StringComparison.Ordinal) <= 0 || !IsOption(part))) is not { } strange)
        {
            return null;
        }

        var name = strange.Split('=')[0].Trim();
        var meant = strange.Contains('=', StringComparison.Ordinal) && s_options.FirstOrDefault(option => SettingNames.AreSimilar(option.ToUpperInvariant(), name.ToUpperInvariant())) is { } option ? $" (did you mean {option}?)" : "";
        return $"what comes after the password is no option{meant}. A comma ends a password here: set one that has commas, or blanks at its beginning or end, as {PasswordSetting} "
            + $"(variable {PasswordSetting.Replace(":", "__", StringComparison.Ordinal)}) instead, and write servers before all options";
    }

    private static bool IsPassword(string part) => part.Split('=')[0].Trim().Equals(PasswordOption, StringComparison.OrdinalIgnoreCase) && part.Contains('=', StringComparison.Ordinal);

    // With '$': another name for a command.
    private static bool IsOption(string part) => part[0] == '$' || s_options.Contains(part.Split('=')[0].Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether there is a password, or none is needed: who may open a Unix socket is for the rights of its file to say.
    /// </summary>
    public static bool AreIn(ConfigurationOptions options) =>
        !string.IsNullOrEmpty(options.Password) || options.EndPoints.All(server => server.AddressFamily == AddressFamily.Unix);

    /// <summary>The same for a connection string; true for one that is not valid, which whoever uses it reports.</summary>
    public static bool AreIn(string connectionString)
    {
        try
        {
            return AreIn(ConfigurationOptions.Parse(connectionString));
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            return true;
        }
    }
}
