using System.Net.Sockets;

namespace SseApp.Gateway.Clients;

/// <summary>Addresses and CIDR ranges as people write them in configuration.</summary>
internal sealed class AddressList(IReadOnlyList<IPNetwork> ranges)
{
    public static readonly AddressList Empty = new([]);

    public IReadOnlyList<IPNetwork> Ranges => ranges;

    public bool IsEmpty => ranges.Count == 0;

    /// <exception cref="FormatException">An entry is neither an address nor a range; the message names it.</exception>
    public static AddressList Parse(string setting, IReadOnlyCollection<string> entries)
    {
        var errors = Check(setting, entries).ToArray();
        return errors.Length == 0
            ? new AddressList([.. entries.Select(entry => TryParse(entry, out var range) ? range : default)])
            : throw new FormatException(string.Join(' ', errors));
    }

    /// <summary>What is wrong with the entries, for the one who wrote them.</summary>
    public static IEnumerable<string> Check(string setting, IEnumerable<string> entries) => entries
        .Where(entry => !TryParse(entry, out _))
        .Select(entry => $"{setting} contains '{entry}'; write an address such as 192.0.2.7 or 2001:db8::7, or a range such as 10.0.0.0/8 or 2001:db8::/32.");

    public bool Contains(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var range in ranges)
        {
            if (range.Contains(plain))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryParse(string? entry, out IPNetwork range)
    {
        range = default;
        var text = entry.AsSpan().Trim();
        var slash = text.IndexOf('/');
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out var address) || IsAbbreviated(text, address) || HasLeadingZero(text))
        {
            return false;
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = address.GetAddressBytes();
        var length = bytes.Length * 8;
        if (slash >= 0
            && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > bytes.Length * 8))
        {
            return false;
        }

        // The platform refuses 10.1.2.3/8, which every proxy's configuration allows.
        for (var i = 0; i < bytes.Length; i++)
        {
            var bits = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - bits));
        }

        range = new IPNetwork(new IPAddress(bytes), length);
        return true;
    }

    /// <summary>Whether the platform takes it for an address, and for another one than is written there, or than most would take it for.</summary>
    /// <param name="text">An address, perhaps with a port.</param>
    internal static bool IsMisleading(ReadOnlySpan<char> text)
    {
        text = text.Trim().Trim('"');
        var end = text is ['[', ..] ? text.IndexOf(']') : text.Count(':') == 1 ? text.IndexOf(':') : text.Length;
        var host = text is ['[', ..] ? text[1..Math.Max(1, end)] : text[..end];
        return IPAddress.TryParse(host, out var address) && (IsAbbreviated(host, address) || HasLeadingZero(host));
    }

    // IPAddress takes 127.0.0.010 for 127.0.0.8: octal, as C once had it. Groups of IPv6 may begin with a zero.
    private static bool HasLeadingZero(ReadOnlySpan<char> text)
    {
        var digits = text[(text.LastIndexOf(':') + 1)..];
        var isIPv4 = digits.Contains('.');
        for (var i = 0; i + 1 < digits.Length; i++)
        {
            if (digits[i] == '0' && char.IsAsciiDigit(digits[i + 1]) && (i == 0 ? isIPv4 : digits[i - 1] is '.' or '/'))
            {
                return true;
            }
        }

        return false;
    }

    // IPAddress takes "10" for 0.0.0.10, which nobody who writes a list means.
    private static bool IsAbbreviated(ReadOnlySpan<char> text, IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork && text.Count('.') != 3;
}
