using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Replicas;

/// <summary>Section <c>Replica</c>: what a replica reports about itself to the gateways.</summary>
internal sealed class ReplicaOptions : IValidatableObject
{
    public const string SectionName = "Replica";

    /// <summary>
    /// Address at which gateways reach this replica, such as <c>http://10.0.0.7:8080</c>. Default: the pod's or
    /// container's address and the bound port, else the bound address.
    /// </summary>
    public Uri? AdvertisedAddress { get; set; }

    /// <summary>Share of the load relative to the other replicas. 1 to 1000; default 1.</summary>
    [Range(1, 1000)]
    public int Weight { get; set; } = 1;

    /// <summary>Gets traffic only while no primary replica is available. Default false.</summary>
    public bool Backup { get; set; }

    /// <summary>
    /// Requests that this replica must fail within <see cref="FailTimeout"/> before gateways stop using it; 0: never.
    /// Default: the gateway's <c>ReplicaHealth:MaxFails</c>.
    /// </summary>
    [Range(0, 1_000_000)]
    public int? MaxFails { get; set; }

    /// <summary>
    /// Time within which <see cref="MaxFails"/> requests must fail, and for which gateways then do not use this replica.
    /// 50 ms to 1 h; default: the gateway's <c>ReplicaHealth:FailTimeout</c>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "01:00:00")]
    public TimeSpan? FailTimeout { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (AdvertisedAddress is { } address
            && (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https") || HostName.Of(address) is null || AdvertisedAddressResolver.IsWildcard(address)))
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(AdvertisedAddress)} ({address}) must be an absolute http or https address that gateways can connect to, not a wildcard.",
                [nameof(AdvertisedAddress)]);
        }
    }
}
