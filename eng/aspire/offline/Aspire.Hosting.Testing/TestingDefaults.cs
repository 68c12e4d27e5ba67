using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>What differs when an AppHost runs under test.</summary>
internal static class TestingDefaults
{
    private static readonly JsonSerializerOptions s_json = new() { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static void Apply(
        DistributedApplicationOptions options,
        HostApplicationBuilderSettings settings,
        string[] args,
        Assembly assembly,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    {
        var name = assembly.GetName().Name ?? string.Empty;
        settings.Args = options.Args = [.. settings.Args ?? [], .. args];
        settings.ApplicationName = options.AssemblyName = name;
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.Configuration ??= new ConfigurationManager();
        if (options.ProjectDirectory is { } directory && Directory.Exists(directory))
        {
            settings.ContentRootPath = directory;
        }

        AddDefaults(settings, new Dictionary<string, string?>
        {
            // Tests run beside each other and beside the application itself.
            ["DcpPublisher:RandomizePorts"] = "true",
            ["DcpPublisher:WaitForResourceCleanup"] = "true",
            ["DcpPublisher:ContainerRuntimeInitializationTimeout"] = "00:00:30",
            ["ASPNETCORE_URLS"] = "http://localhost:8080",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://localhost:4317",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
        });
        configure(options, settings);
        AddDefaults(settings, ReadLaunchProfile(options.ProjectDirectory, settings));
    }

    private static void AddDefaults(HostApplicationBuilderSettings settings, IReadOnlyDictionary<string, string?> defaults)
    {
        var present = new ConfigurationBuilder().AddConfiguration(settings.Configuration!).AddCommandLine(settings.Args ?? []).Build();
        settings.Configuration!.AddInMemoryCollection(defaults.Where(pair => present[pair.Key] is null).ToArray());
    }

    private static Dictionary<string, string?> ReadLaunchProfile(string? projectDirectory, HostApplicationBuilderSettings settings)
    {
        var values = new Dictionary<string, string?>();
        var file = Path.Combine(projectDirectory ?? string.Empty, "Properties", "launchSettings.json");
        if (projectDirectory is null || !File.Exists(file))
        {
            return values;
        }

        using var stream = File.OpenRead(file);
        var profiles = JsonSerializer.Deserialize<LaunchSettings>(stream, s_json)?.Profiles ?? [];
        var named = settings.Configuration!["DOTNET_LAUNCH_PROFILE"];
        if (!string.IsNullOrEmpty(named) && !profiles.ContainsKey(named))
        {
            throw new InvalidOperationException($"The configured launch profile, '{named}', was not found in the launch settings file {file}.");
        }

        var (profileName, profile) = string.IsNullOrEmpty(named) ? profiles.FirstOrDefault() : KeyValuePair.Create(named, profiles[named]);
        if (profile is null)
        {
            return values;
        }

        values["DOTNET_LAUNCH_PROFILE"] = profileName;
        foreach (var (key, value) in profile.EnvironmentVariables)
        {
            values[key] = value;
            foreach (var prefix in (string[])["DOTNET_", "ASPNETCORE_"])
            {
                // The host reads these variables without their prefix.
                if (key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                {
                    values.TryAdd(key[prefix.Length..], value);
                }
            }
        }

        return values;
    }
}
