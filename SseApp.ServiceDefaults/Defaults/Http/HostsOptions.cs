namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Section <c>Hosts</c>: the names under which a service may be asked (header <c>Host</c>).</summary>
internal sealed class HostsOptions : IValidatableObject
{
    public const string SectionName = "Hosts";

    /// <summary>
    /// Names under which clients reach the service: <c>events.example.org</c>, all subdomains by <c>*.example.org</c>, without scheme
    /// and port; letter case does not count. Always allowed are IP addresses, <c>localhost</c> and <c>*.localhost</c>, names without a
    /// dot (<c>gateway</c>) and <c>*.internal</c>, which no stranger can own; for a gateway also the names in its certificate, those of
    /// <c>Match:Hosts</c> and of the routes of section <c>ReverseProxy</c>; for a replica the host of <c>Replica:AdvertisedAddress</c>.
    /// Every other name is refused with 400, because anybody's DNS can point one here. <c>*</c> allows every name. Default none.
    /// </summary>
    public IList<string> Allowed { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => Allowed
        .Where(name => name != AllowedHosts.Any && HostName.Normalize(name) is null)
        .Select(name => new ValidationResult(
            $"{SectionName}:{nameof(Allowed)} has '{name}'; write a name without scheme, port and path, such as events.example.org or *.example.org, or * for every name.",
            [nameof(Allowed)]));
}
