using SseApp.Gateway.Clients;

namespace SseApp.Gateway.Replicas;

/// <summary>Section <c>Replica</c>: where this gateway expects replicas.</summary>
public sealed class ReplicaAddressOptions : IValidatableObject
{
    public const string SectionName = "Replica";

    /// <summary>
    /// Addresses and CIDR ranges (IPv4, IPv6) in which replicas are. A record with another address, or with a host name
    /// instead of an address, is ignored and counted as forged, whoever signed it. Default none: replicas may be anywhere.
    /// </summary>
    public IList<string> AllowedAddresses { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        AddressList.Check($"{SectionName}:{nameof(AllowedAddresses)}", AllowedAddresses)
            .Select(error => new ValidationResult(error, [nameof(AllowedAddresses)]));
}
