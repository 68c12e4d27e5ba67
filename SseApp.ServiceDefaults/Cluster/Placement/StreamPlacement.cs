using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Cluster.Placement;

/// <summary>
/// How a gateway placed a stream that its replica may end so that it finds a better place: by the hash of its client, or
/// by count. A stream without it is left alone.
/// </summary>
/// <param name="Key">The hash; null when the stream was placed by count.</param>
/// <param name="LoadFactor">The gateway's bound; 1 when the stream was placed by count.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StreamPlacement(ulong? Key, double LoadFactor)
{
    private const string ByCount = "count";

    /// <returns>Null when <paramref name="text"/> is not what <see cref="ToString"/> writes.</returns>
    public static StreamPlacement? Parse(string? text)
    {
        if (text == ByCount)
        {
            return new StreamPlacement(null, 1);
        }

        return text?.Split(';') is [var key, var factor]
            && ulong.TryParse(key, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash)
            && double.TryParse(factor, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var bound)
            && bound >= 1
            ? new StreamPlacement(hash, bound)
            : null;
    }

    public override string ToString() =>
        Key is { } key ? string.Create(CultureInfo.InvariantCulture, $"{key:x16};{LoadFactor:0.###}") : ByCount;
}
