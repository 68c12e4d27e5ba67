using System.ComponentModel.DataAnnotations;

namespace SseApp.Gateway.Clients;

/// <summary>Section <c>Proxies</c>: whom the gateway believes about clients.</summary>
public sealed class ProxiesOptions : IValidatableObject
{
    public const string SectionName = "Proxies";

    /// <summary>The header of the client's address that has <c>Forwarded</c> (RFC 7239) beside it.</summary>
    internal const string XForwardedFor = "X-Forwarded-For";

    /// <summary>
    /// Addresses and CIDR ranges (IPv4, IPv6) of the proxies and load balancers in front of the gateway. What they say in
    /// <see cref="ForwardedForHeader"/>, <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Host</c>, or in <c>Forwarded</c>, counts,
    /// read from the right up to the first address that is not in this list. Default none: every such header is ignored and
    /// replaced.
    /// </summary>
    public IList<string> Known { get; } = [];

    /// <summary>
    /// Header that carries the client's address. Default <c>X-Forwarded-For</c>, and where a request has none,
    /// <c>Forwarded</c> (RFC 7239) with its scheme and host; where it has both, <c>Forwarded</c> is ignored. The value
    /// <c>Forwarded</c> means that header alone: for proxies that send it and let a client's own <c>X-Forwarded-*</c>
    /// through. Some networks have a header of their own, as <c>CF-Connecting-IP</c>; then <c>Forwarded</c> is never read.
    /// Services behind the gateway do not get such a header.
    /// </summary>
    [Required, RegularExpression("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    public string ForwardedForHeader { get; set; } = XForwardedFor;

    /// <summary>Whether <c>Forwarded</c> says who the client of this request is, and not <c>X-Forwarded-*</c>.</summary>
    internal bool ReadsForwarded(HttpRequest request) =>
        Is(ForwardedMiddleware.Header)
        || (Is(XForwardedFor) && request.Headers.ContainsKey(ForwardedMiddleware.Header) && !request.Headers.ContainsKey(XForwardedFor));

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        AddressList.Check($"{SectionName}:{nameof(Known)}", Known).Select(error => new ValidationResult(error, [nameof(Known)]));

    private bool Is(string header) => string.Equals(ForwardedForHeader, header, StringComparison.OrdinalIgnoreCase);
}
