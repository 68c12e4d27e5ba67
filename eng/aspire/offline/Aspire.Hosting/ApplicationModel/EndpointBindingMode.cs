namespace Aspire.Hosting.ApplicationModel;

/// <summary>The addresses an endpoint listens on.</summary>
public enum EndpointBindingMode
{
    SingleAddress,
    DualStackAnyAddresses,
    IPv4AnyAddresses,
    IPv6AnyAddresses,
}
