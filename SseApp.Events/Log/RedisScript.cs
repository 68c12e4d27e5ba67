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

    /// <summary>The same script, announcing by sharded channels.</summary>
    public static string Sharded(string script) => script.Replace("'PUBLISH'", "'SPUBLISH'", StringComparison.Ordinal);

    public static Epoch ParseEpoch(string hexadecimal) => new(ulong.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>The end of a log by its counter; false for one that is none of ours, by the rule that publish.lua has.</summary>
    public static bool TryParseEnd(RedisValue epoch, RedisValue offset, RedisValue published, out LogEnd end)
    {
        end = default;
        if ((string?)epoch is not { Length: 16 } hexadecimal
            || !ulong.TryParse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var life) || life == 0
            || !long.TryParse((string?)offset, NumberStyles.None, CultureInfo.InvariantCulture, out var last) || last is < 1 or > Position.MaxOffset)
        {
            return false;
        }

        var isKnown = long.TryParse((string?)published, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= UnixTime.MaxMicroseconds;
        end = new LogEnd(new Position(new Epoch(life), last), isKnown ? at : 0);
        return true;
    }
}
