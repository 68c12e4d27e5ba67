using System.Buffers.Text;

namespace SseApp.Events.Log;

/// <summary>
/// Identity of one life of a topic's log. It is made at random with the topic's counter, so offsets that were handed
/// out before the log was lost cannot be mistaken for offsets of the new one. The default value means "no log yet".
/// </summary>
internal readonly record struct Epoch(ulong Value)
{
    public static Epoch Create() => new((ulong)Random.Shared.NextInt64(1, long.MaxValue));

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Epoch epoch)
    {
        var parsed = Utf8Parser.TryParse(utf8, out ulong value, out var consumed, 'x') && consumed == utf8.Length;
        epoch = new Epoch(value);
        return parsed;
    }

    /// <summary>The epoch's short form in positions: 0 for "no log yet", else never 0.</summary>
    /// <param name="bits">Width of the mark, 1 to 32.</param>
    public uint Mark(int bits) => Value == 0 ? 0 : (uint)(Value % ((1UL << bits) - 1)) + 1;

    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
