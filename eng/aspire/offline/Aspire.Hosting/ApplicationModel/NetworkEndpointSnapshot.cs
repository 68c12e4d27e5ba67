namespace Aspire.Hosting.ApplicationModel;

/// <summary>An endpoint's address in one network, once it is known.</summary>
public record NetworkEndpointSnapshot(ValueSnapshot<AllocatedEndpoint> Snapshot, NetworkIdentifier NetworkID);
