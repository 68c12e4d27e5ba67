namespace Aspire.Hosting.Dcp.Model;

/// <summary>The network that the containers of one run share; they find each other by resource name on it.</summary>
internal sealed class ContainerNetwork : DcpObject<ContainerNetworkSpec, ContainerNetworkStatus>, IDcpKind
{
    public static string KindName => "ContainerNetwork";

    public static string Plural => "containernetworks";
}

internal sealed class ContainerNetworkSpec
{
    public string? NetworkName { get; set; }
}

internal sealed class ContainerNetworkStatus
{
    public string? State { get; set; }
}
