using System.ComponentModel.DataAnnotations;

namespace SseApp.Gateway.Security;

/// <summary>Section <c>Proxies</c>: whom the gateway believes about clients.</summary>
public sealed class ProxiesOptions : IValidatableObject
{
    public const string SectionName = "Proxies";

    /// <summary>
    /// Addresses and CIDR ranges (IPv4, IPv6) of the proxies and load balancers in front of the gateway. What they say in
    /// <see cref="ForwardedForHeader"/>, <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Host</c> counts, read from the right up
    /// to the first address that is not in this list. Default none: every such header is ignored and replaced.
    /// </summary>
    public IList<string> Known { get; } = [];

    /// <summary>Header that carries the client's address. Default <c>X-Forwarded-For</c>; some networks have their own, as <c>CF-Connecting-IP</c>.</summary>
    [Required, RegularExpression("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    public string ForwardedForHeader { get; set; } = "X-Forwarded-For";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        AddressList.Check($"{SectionName}:{nameof(Known)}", Known).Select(error => new ValidationResult(error, [nameof(Known)]));
}
