namespace Aspire.Hosting.Dcp.Model;

/// <summary>The address of a resource's endpoint; unless proxyless, the engine listens there and passes each connection to a replica.</summary>
internal sealed class Service : DcpObject<ServiceSpec, ServiceStatus>, IDcpKind
{
    public static string KindName => "Service";

    public static string Plural => "services";
}

internal sealed class ServiceSpec
{
    public string? Address { get; set; }

    public int? Port { get; set; }

    public string Protocol { get; set; } = "TCP";

    public string AddressAllocationMode { get; set; } = AddressAllocationModes.Localhost;
}

internal sealed class ServiceStatus
{
    public string? State { get; set; }

    public string? EffectiveAddress { get; set; }

    public int? EffectivePort { get; set; }
}

internal static class AddressAllocationModes
{
    public const string Localhost = "Localhost";
    public const string Proxyless = "Proxyless";
}
