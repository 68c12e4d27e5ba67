namespace Aspire.Hosting.Dcp.Model;

/// <summary>Made by the engine for each running workload that implements a service: where it really listens.</summary>
internal sealed class Endpoint : DcpObject<EndpointSpec, EndpointStatus>, IDcpKind
{
    public static string KindName => "Endpoint";

    public static string Plural => "endpoints";
}

internal sealed class EndpointSpec
{
    public string? ServiceName { get; set; }

    public string? Address { get; set; }

    public int? Port { get; set; }
}

internal sealed class EndpointStatus;
