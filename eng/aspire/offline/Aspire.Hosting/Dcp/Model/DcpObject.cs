using System.Text.Json;
using k8s.Models;

namespace Aspire.Hosting.Dcp.Model;

/// <summary>An object of the engine's API group: what every kind has.</summary>
internal abstract class DcpObject
{
    public const string Group = "usvc-dev.developer.microsoft.com";
    public const string Version = "v1";

    public string? ApiVersion { get; set; }

    public string? Kind { get; set; }

    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary>The name of the application model's resource this object stands for.</summary>
    public string? ResourceName => GetAnnotation(DcpAnnotations.ResourceName);

    public string? GetAnnotation(string name) =>
        Metadata.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    public void Annotate(string name, string value)
    {
        Metadata.Annotations ??= new Dictionary<string, string>(StringComparer.Ordinal);
        Metadata.Annotations[name] = value;
    }

    public void AnnotateAsJson<T>(string name, IReadOnlyList<T> values) => Annotate(name, JsonSerializer.Serialize(values));
}

internal abstract class DcpObject<TSpec, TStatus> : DcpObject
    where TSpec : class, new()
    where TStatus : class
{
    public TSpec Spec { get; set; } = new();

    public TStatus? Status { get; set; }
}
