using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Cluster.Redis;

internal static class RedisCredentials
{
    /// <summary>
    /// Whether a connection string that is valid has a password, or needs none: who may open a Unix socket is for the rights of its file
    /// to say.
    /// </summary>
    public static bool AreIn(string connectionString)
    {
        try
        {
            var options = ConfigurationOptions.Parse(connectionString);
            return !string.IsNullOrEmpty(options.Password) || options.EndPoints.All(server => server.AddressFamily == AddressFamily.Unix);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // Whoever uses it reports that.
            return true;
        }
    }
}
