namespace Aspire.Hosting.ApplicationModel;

/// <summary>Names of resource properties that the dashboard treats specially.</summary>
public static class CustomResourceKnownProperties
{
    public static string Source { get; } = "resource.source";

    public static string ConnectionString { get; } = "resource.connectionString";
}
