using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.Utils;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>The configuration an AppHost starts with, under the keys that Aspire documents.</summary>
internal static class AppHostConfiguration
{
    private static readonly Dictionary<string, string> s_switchMappings = new()
    {
        ["--operation"] = "AppHost:Operation",
        ["--publisher"] = "Publishing:Publisher",
        ["--output-path"] = "Pipeline:OutputPath",
        ["--log-level"] = "Pipeline:LogLevel",
        ["--dcp-cli-path"] = "DcpPublisher:CliPath",
        ["--dcp-container-runtime"] = "DcpPublisher:ContainerRuntime",
        ["--dcp-dependency-check-timeout"] = "DcpPublisher:DependencyCheckTimeout",
        ["--dcp-dashboard-path"] = "DcpPublisher:DashboardPath",
    };

    public static void Apply(ConfigurationManager configuration, IHostEnvironment environment, DistributedApplicationOptions options, UserSecretsStore secrets, string directory, string path)
    {
        // The host adds the user secrets of the entry assembly; under a test runner that is not the AppHost.
        if (environment.IsDevelopment() && secrets.FilePath is { } secretsFile)
        {
            configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Json.JsonConfigurationSource
            {
                FileProvider = Directory.Exists(Path.GetDirectoryName(secretsFile)) ? new Microsoft.Extensions.FileProviders.PhysicalFileProvider(Path.GetDirectoryName(secretsFile)!) : null,
                Path = Path.GetFileName(secretsFile),
                Optional = true,
            });
        }

        configuration.AddCommandLine(options.Args ?? [], s_switchMappings);
        if (string.Equals(configuration["Publishing:Publisher"], "manifest", StringComparison.OrdinalIgnoreCase)
            && string.IsNullOrEmpty(configuration["AppHost:Operation"]))
        {
            configuration["AppHost:Operation"] = "Publish";
        }

        configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:Directory"] = directory,
            ["AppHost:Path"] = path,
            ["AppHost:DashboardApplicationName"] = environment.ApplicationName,
        });
    }

    public static DistributedApplicationExecutionContextOptions CreateExecutionContextOptions(ConfigurationManager configuration)
    {
        var operation = configuration["AppHost:Operation"];
        if (string.IsNullOrEmpty(operation))
        {
            return new DistributedApplicationExecutionContextOptions(
                string.IsNullOrEmpty(configuration["Publishing:Publisher"]) ? DistributedApplicationOperation.Run : DistributedApplicationOperation.Publish);
        }

        if (!Enum.TryParse<DistributedApplicationOperation>(operation, ignoreCase: true, out var parsed))
        {
            throw new DistributedApplicationException($"Invalid operation '{operation}'. Use --operation run or --operation publish.");
        }

        return parsed == DistributedApplicationOperation.Publish
            ? new DistributedApplicationExecutionContextOptions(parsed, configuration["Publishing:Publisher"] ?? "manifest")
            : new DistributedApplicationExecutionContextOptions(parsed);
    }

    /// <summary>Names that must stay the same from run to run, such as volumes, carry this hash.
    /// It tells projects by path while running and by name when published.</summary>
    public static void AddHash(ConfigurationManager configuration, DistributedApplicationExecutionContext executionContext, string path)
    {
        var pathHash = configuration["AppHostSha"] ?? Hash(path.ToLower(CultureInfo.InvariantCulture));
        var nameHash = configuration["AppHostSha"] ?? Hash(Path.GetFileName(path));
        configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:PathSha256"] = pathHash,
            ["AppHost:ProjectNameSha256"] = nameHash,
            ["AppHost:Sha256"] = executionContext.IsPublishMode ? nameHash : pathHash,
        });

        static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The keys by which the dashboard, the telemetry and the browser are let in; generated when not configured.</summary>
    public static void AddDashboardKeys(ConfigurationManager configuration, UserSecretsStore secrets)
    {
        if (bool.TryParse(configuration["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] ?? configuration["DOTNET_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"], out var anonymous) && anonymous)
        {
            configuration["AppHost:ResourceService:AuthMode"] = "Unsecured";
            return;
        }

        // Kept from run to run, so that the environment of a persistent container does not change.
        secrets.GetOrSet(configuration, "AppHost:OtlpApiKey", CreateToken);
        secrets.GetOrSet(configuration, "AppHost:DashboardApiKey", CreateToken);
        configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:BrowserToken"] = FirstNonEmpty(configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"], configuration["DOTNET_DASHBOARD_FRONTEND_BROWSERTOKEN"]) ?? CreateToken(),
            ["AppHost:ResourceService:AuthMode"] = "ApiKey",
            ["AppHost:ResourceService:ApiKey"] = FirstNonEmpty(configuration["ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY"], configuration["DOTNET_DASHBOARD_RESOURCESERVICE_APIKEY"]) ?? CreateToken(),
        });
    }

    private static string? FirstNonEmpty(params string?[] values) => values.FirstOrDefault(v => !string.IsNullOrEmpty(v));

    private static string CreateToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
