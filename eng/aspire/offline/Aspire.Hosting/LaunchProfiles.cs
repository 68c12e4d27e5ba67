using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Finds the launch profile of a project.</summary>
internal static class LaunchProfiles
{
    private static readonly JsonSerializerOptions s_json = new() { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The named profile, else the AppHost's own, else the first that runs the project.</summary>
    /// <exception cref="DistributedApplicationException">The project file, or the profile that was named, does not exist.</exception>
    public static NamedLaunchProfile? GetEffective(ProjectResource project)
    {
        if (project.HasAnnotationOfType<ExcludeLaunchProfileAnnotation>())
        {
            return null;
        }

        var profiles = Read(project)?.Profiles;
        if (profiles is null)
        {
            return null;
        }

        if (project.TryGetLastAnnotation<LaunchProfileAnnotation>(out var named))
        {
            return profiles.TryGetValue(named.LaunchProfileName, out var profile)
                ? new NamedLaunchProfile(named.LaunchProfileName, profile)
                : throw new DistributedApplicationException($"Launch settings file of project '{project.Name}' does not contain '{named.LaunchProfileName}' profile. It has: {string.Join(", ", profiles.Keys)}.");
        }

        if (project.TryGetLastAnnotation<DefaultLaunchProfileAnnotation>(out var fromAppHost)
            && profiles.TryGetValue(fromAppHost.LaunchProfileName, out var shared))
        {
            return new NamedLaunchProfile(fromAppHost.LaunchProfileName, shared);
        }

        var first = profiles.FirstOrDefault(p => p.Value.CommandName is null or "" or "Project" or "Executable");
        return first.Value is null ? null : new NamedLaunchProfile(first.Key, first.Value);
    }

    private static LaunchSettings? Read(ProjectResource project)
    {
        var metadata = project.GetProjectMetadata();
        if (metadata.LaunchSettings is { } given)
        {
            return given;
        }

        if (!File.Exists(metadata.ProjectPath))
        {
            throw new DistributedApplicationException($"Project file '{metadata.ProjectPath}' was not found.");
        }

        var file = Path.Combine(Path.GetDirectoryName(metadata.ProjectPath)!, "Properties", "launchSettings.json");
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            using var stream = File.OpenRead(file);
            return JsonSerializer.Deserialize<LaunchSettings>(stream, s_json);
        }
        catch (JsonException ex)
        {
            throw new DistributedApplicationException($"Failed to read the launch settings file '{file}' of project resource '{project.Name}': {ex.Message}", ex);
        }
    }
}

internal sealed record NamedLaunchProfile(string Name, LaunchProfile Profile);
