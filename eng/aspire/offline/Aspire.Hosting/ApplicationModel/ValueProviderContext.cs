namespace Aspire.Hosting.ApplicationModel;

/// <summary>For whom a value is resolved.</summary>
public class ValueProviderContext
{
    public DistributedApplicationExecutionContext? ExecutionContext { get; init; }

    public IResource? Caller { get; init; }

    /// <summary>The network the value will be used in; when absent, the caller's own.</summary>
    public NetworkIdentifier? Network { get; init; }

    internal NetworkIdentifier GetNetworkIdentifier()
        => Network ?? Caller?.GetDefaultResourceNetwork() ?? KnownNetworkIdentifiers.LocalhostNetwork;
}
