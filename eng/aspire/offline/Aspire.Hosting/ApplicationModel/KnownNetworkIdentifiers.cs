namespace Aspire.Hosting.ApplicationModel;

/// <summary>The networks of a local run.</summary>
public static class KnownNetworkIdentifiers
{
    /// <summary>The machine's own loopback network: processes live here.</summary>
    public static readonly NetworkIdentifier LocalhostNetwork = new("localhost");

    public static readonly NetworkIdentifier PublicInternet = new(".");

    /// <summary>The container network that the orchestrator makes for one run.</summary>
    public static readonly NetworkIdentifier DefaultAspireContainerNetwork = new("aspire-container-network");
}
