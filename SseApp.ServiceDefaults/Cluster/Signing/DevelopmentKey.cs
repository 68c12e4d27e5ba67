using System.Security.Cryptography;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>
/// The key of a service that a developer starts alone, without one: made once, in a file that only this user can read, so
/// that services which are started one by one know each other, and everything is signed as in production.
/// </summary>
internal static partial class DevelopmentKey
{
    public static byte[] Get(ILogger logger)
    {
        try
        {
            var folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "SseApp");
            Directory.CreateDirectory(folder);
            var file = Path.Combine(folder, "gateway-key");
            if (!File.Exists(file))
            {
                PrivateFile.WriteOnce(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyText.Length)));
            }

            if (KeyText.TryParse(File.ReadAllText(file), out var key) && !KeyText.IsGuessable(key))
            {
                LogShared(logger, file);
                return key;
            }

            LogOwn(logger, $"{file} holds no key; delete it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogOwn(logger, exception.Message);
        }

        return RandomNumberGenerator.GetBytes(KeyText.Length);
    }

    [LoggerMessage(LogLevel.Information, "Security:GatewayKey is not set; in Development the key of this user is taken from {File}.")]
    private static partial void LogShared(ILogger logger, string file);

    [LoggerMessage(LogLevel.Warning, "Security:GatewayKey is not set, and this process made one for itself: no other replica or gateway will believe it. {Reason}")]
    private static partial void LogOwn(ILogger logger, string reason);
}
