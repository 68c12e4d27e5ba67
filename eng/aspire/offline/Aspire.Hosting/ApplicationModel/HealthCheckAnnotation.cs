namespace Aspire.Hosting.ApplicationModel;

/// <summary>A health check, registered under this key, that tells whether the resource is healthy.</summary>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    public string Key { get; } = key ?? throw new ArgumentNullException(nameof(key));
}
