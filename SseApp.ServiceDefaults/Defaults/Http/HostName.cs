using System.Text;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Names of hosts, as the header <c>Host</c> has them.</summary>
internal static class HostName
{
    private const int MaxLength = 253;

    /// <summary>
    /// True for a name that nobody's DNS can point here: an address, as every client writes it, or a name without a dot, which only
    /// this machine or its network resolves.
    /// </summary>
    /// <param name="host">Without a port.</param>
    public static bool IsUnowned(string host) =>
        (host is ['[', .., ']'] && IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out _)) || !host.AsSpan().ContainsAny('.', '[')
        || (IPAddress.TryParse(host, out var address) && string.Equals(address.ToString(), host, StringComparison.Ordinal));

    /// <summary>A host, with or without a port, without the dot at the end of its name: with it, it is the same name, written in full.</summary>
    public static string WithoutDot(string host)
    {
        var colon = host.LastIndexOf(':');
        var end = colon > host.LastIndexOf(']') ? colon : host.Length;
        return end > 1 && host[end - 1] == '.' ? host.Remove(end - 1, 1) : host;
    }

    /// <summary>A name, or <c>*.</c> and a name, in lower case and in the form of the header (Punycode). Null for what is none.</summary>
    public static string? Normalize(string pattern)
    {
        var name = pattern.StartsWith("*.", StringComparison.Ordinal) ? pattern[2..] : pattern;
        name = name.EndsWith('.') ? name[..^1] : name;
        try
        {
            name = Ascii.IsValid(name) ? name : new IdnMapping().GetAscii(name);
        }
        catch (ArgumentException)
        {
            return null;
        }

        return name.Length is > 0 and <= MaxLength && Uri.CheckHostName(name) is UriHostNameType.Dns or UriHostNameType.IPv4
            ? (pattern.StartsWith('*') ? "*." : "") + name.ToLowerInvariant()
            : null;
    }

    /// <summary>The host of an address as the DNS has it (Punycode). Null for what is no name there, which an address may have all the same.</summary>
    public static string? Of(Uri address)
    {
        try
        {
            return address.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    /// <summary>For a log: a client chooses what it sends.</summary>
    public static string Shown(string host) =>
        host.Length <= MaxLength && host.All(static character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_') ? host : "(not a name)";
}
