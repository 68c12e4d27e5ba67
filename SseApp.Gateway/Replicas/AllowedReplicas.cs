using SseApp.Gateway.Clients;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Gateway.Replicas;

/// <summary>Which replicas may get requests, as <see cref="ReplicaAddressOptions.AllowedAddresses"/> says.</summary>
internal sealed class AllowedReplicas(IOptions<ReplicaAddressOptions> options, ForgedRecords forged)
{
    private readonly AddressList? _allowed = options.Value.AllowedAddresses.Count == 0
        ? null
        : AddressList.Parse($"{ReplicaAddressOptions.SectionName}:{nameof(ReplicaAddressOptions.AllowedAddresses)}", [.. options.Value.AllowedAddresses]);

    public bool Contains(ReplicaRecord replica)
    {
        if (_allowed is null || (IPAddress.TryParse(replica.Address.DnsSafeHost, out var address) && _allowed.Contains(address)))
        {
            return true;
        }

        forged.Add(
            ForgedKind.Address,
            replica.Id,
            $"{replica.Address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)} is not in {ReplicaAddressOptions.SectionName}:{nameof(ReplicaAddressOptions.AllowedAddresses)}");
        return false;
    }
}
