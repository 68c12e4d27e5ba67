namespace SseApp.Gateway.Clients;

/// <summary>Section <c>Proxies</c>: which proxies the gateway trusts to report the client.</summary>
public sealed class ProxiesOptions : IValidatableObject
{
    public const string SectionName = "Proxies";

    internal const string XForwardedFor = "X-Forwarded-For";

    /// <summary>The header of RFC 7239; the gateway writes it and does not read it.</summary>
    internal const string Forwarded = "Forwarded";

    /// <summary>
    /// Addresses and CIDR ranges (IPv4, IPv6) of the proxies and load balancers in front of the gateway. What they say in
    /// <see cref="ForwardedForHeader"/>, <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Host</c> counts, read from
    /// the right up to the first address that is not in this list. Default none: every such header is ignored and replaced.
    /// </summary>
    public IList<string> Known { get; } = [];

    /// <summary>
    /// Header that carries the client's address. Default <c>X-Forwarded-For</c>. Some networks have a header of their own,
    /// such as <c>CF-Connecting-IP</c>; services behind the gateway do not get it. <c>Forwarded</c> (RFC 7239) is not read.
    /// </summary>
    [Required, RegularExpression("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    public string ForwardedForHeader { get; set; } = XForwardedFor;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.Equals(ForwardedForHeader, Forwarded, StringComparison.OrdinalIgnoreCase))
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(ForwardedForHeader)} is '{ForwardedForHeader}', which the gateway does not read; let the proxy send {XForwardedFor}, or name another header that holds addresses alone.",
                [nameof(ForwardedForHeader)]);
        }

        foreach (var error in AddressList.Check($"{SectionName}:{nameof(Known)}", Known))
        {
            yield return new ValidationResult(error, [nameof(Known)]);
        }
    }
}
