using System.Text;
using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>The scripts in the assembly, and what they answer.</summary>
internal static class RedisScript
{
    /// <summary>
    /// Of all commands of the log. By default the client asks a replica while the master is unreachable: one that lags would
    /// make a healthy log look as if it had lost its newest events.
    /// </summary>
    public const CommandFlags Flags = CommandFlags.DemandMaster;

    public static string Load(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The embedded script {name} is missing from the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    public static Epoch ParseEpoch(string hexadecimal) => new(ulong.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
