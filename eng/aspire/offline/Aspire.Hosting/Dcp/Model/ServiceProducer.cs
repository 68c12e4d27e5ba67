using System.Text.Json.Serialization;

namespace Aspire.Hosting.Dcp.Model;

/// <summary>Says that a workload implements a service; without a port the engine assigns one and puts it into the templates.</summary>
internal sealed record ServiceProducer(
    [property: JsonPropertyName("serviceName")] string ServiceName,
    [property: JsonPropertyName("address")] string? Address,
    [property: JsonPropertyName("port")] int? Port);
