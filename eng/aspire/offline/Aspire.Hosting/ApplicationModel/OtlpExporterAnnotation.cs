namespace Aspire.Hosting.ApplicationModel;

/// <summary>The resource exports telemetry to the dashboard.</summary>
public class OtlpExporterAnnotation : IResourceAnnotation
{
    /// <summary>The protocol the resource insists on; null takes what the dashboard offers.</summary>
    public OtlpProtocol? RequiredProtocol { get; init; }
}
