namespace SseApp.Tests.Chaos;

/// <summary>Where an acknowledged event was stored.</summary>
internal readonly record struct StoredEvent(string Epoch, long Offset)
{
    public uint MarkOf(int bits) => new Epoch(ulong.Parse(Epoch, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).Mark(bits);
}
