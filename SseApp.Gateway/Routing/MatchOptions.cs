using System.Text;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Routing;

/// <summary>Section <c>Match</c>: which requests are for the replicas.</summary>
public sealed class MatchOptions : IValidatableObject
{
    public const string SectionName = "Match";

    /// <summary>
    /// Hosts for which <c>/events</c>, <c>/topics</c> and <c>/publish</c> are served: <c>events.example.org</c>, all subdomains by
    /// <c>*.example.org</c>, one port alone by <c>example.org:8443</c>; letter case does not count. Requests for another host get what
    /// section <c>ReverseProxy</c> or <c>StaticFiles</c> has for them, or 404. <c>/health</c> and <c>/alive</c> answer
    /// for every host that section <c>Hosts</c> allows, and these are among them. Default empty: every allowed host.
    /// </summary>
    public IList<string> Hosts { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => Hosts
        .Where(host => !IsHost(host))
        .Select(host => new ValidationResult(
            $"{SectionName}:{nameof(Hosts)} contains '{host}'; write a host without scheme and path, such as events.example.org, *.example.org or example.org:8443.",
            [nameof(Hosts)]));

    private static bool IsHost(string pattern)
    {
        var host = new HostString(pattern.StartsWith("*.", StringComparison.Ordinal) ? pattern[2..] : pattern);
        var hasPort = pattern.LastIndexOf(':') > pattern.LastIndexOf(']');
        return Uri.CheckHostName(host.Host) is UriHostNameType.Dns or UriHostNameType.IPv4 && (!hasPort || host.Port is > 0 and <= 65535) && AsRouted(pattern) is not null;
    }

    /// <summary>
    /// The platform reads the Host header as Unicode, and here without a dot at its end; certificates and zone files write Punycode.
    /// Null for a name that is neither.
    /// </summary>
    internal static string? AsRouted(string host)
    {
        try
        {
            var name = HostName.WithoutDot(host);
            return Ascii.IsValid(name) ? new IdnMapping().GetUnicode(name) : name;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
