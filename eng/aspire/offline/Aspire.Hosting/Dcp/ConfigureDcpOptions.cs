using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dcp;

/// <summary>Configuration first, then what the build wrote into the AppHost's assembly metadata.</summary>
internal sealed class ConfigureDcpOptions(IConfiguration configuration, Assembly? appHostAssembly) : IConfigureOptions<DcpOptions>
{
    public void Configure(DcpOptions options)
    {
        configuration.GetSection(DcpOptions.SectionName).Bind(options);
        options.CliPath = FirstSet(options.CliPath, FromFolder(configuration["ASPIRE_DCP_PATH"]), Metadata("dcpclipath"));
        options.DashboardPath = FirstSet(options.DashboardPath, configuration["ASPIRE_DASHBOARD_PATH"], Metadata("aspiredashboardpath"));
        options.ContainerRuntime = FirstSet(options.ContainerRuntime, configuration["ASPIRE_CONTAINER_RUNTIME"]);
    }

    private static string? FromFolder(string? folder) =>
        string.IsNullOrWhiteSpace(folder) ? null : Path.Combine(folder, OperatingSystem.IsWindows() ? "dcp.exe" : "dcp");

    private static string? FirstSet(params ReadOnlySpan<string?> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (!string.IsNullOrWhiteSpace(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    private string? Metadata(string key) =>
        appHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => string.Equals(attribute.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}
