using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Cluster.Redis;

internal static class RedisCredentials
{
    /// <summary>What it means that there are none, and what to do; without the full stop.</summary>
    public const string Missing =
        "has no password: whoever reaches that Redis can read and change everything that the cluster keeps there. "
        + "Set requirepass (or a user) on the server and add ',password=…' to the connection string";

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
