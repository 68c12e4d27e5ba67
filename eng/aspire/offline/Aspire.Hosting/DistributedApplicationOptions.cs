using System.Reflection;

namespace Aspire.Hosting;

/// <summary>Options of a <see cref="DistributedApplicationBuilder"/>.</summary>
public sealed class DistributedApplicationOptions
{
    /// <summary>Command-line arguments.</summary>
    public string[]? Args { get; set; }

    /// <summary>The AppHost's assembly; the entry assembly when null.</summary>
    public string? AssemblyName { get; set; }

    public bool DisableDashboard { get; set; }

    /// <summary>Allows the dashboard and the resource service on plain http.</summary>
    public bool AllowUnsecuredTransport { get; set; }

    /// <summary>Copies the resources' console logs to the AppHost's log.</summary>
    public bool EnableResourceLogging { get; set; }

    /// <summary>The folder that relative paths start from; what the build recorded when null.</summary>
    public string? ProjectDirectory
    {
        get => field ?? GetMetadata("apphostprojectpath");
        set;
    }

    internal Assembly? Assembly => field ??= AssemblyName is null ? Assembly.GetEntryAssembly() : Assembly.Load(AssemblyName);

    internal string? ProjectName => GetMetadata("apphostprojectname");

    internal string? GetMetadata(string key)
        => Assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(a => string.Equals(a.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}
