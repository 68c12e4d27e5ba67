using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Replicas;

/// <summary>The name under which gateways are told to reach this replica.</summary>
internal sealed class AdvertisedName(IOptions<ReplicaOptions> options) : IHostNames
{
    public event EventHandler Changed
    {
        add
        {
            // It is for the life of the process.
        }

        remove
        {
        }
    }

    public IEnumerable<string> Names => options.Value.AdvertisedAddress is { } address && HostName.Of(address) is { } name ? [name] : [];
}
