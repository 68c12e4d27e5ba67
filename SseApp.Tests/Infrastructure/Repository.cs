using System.Reflection;

namespace SseApp.Tests.Infrastructure;

/// <summary>Where the programs of this repository are.</summary>
internal static class Repository
{
    private static readonly string s_configuration =
        typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";

    /// <summary>The folder of the solution; null when the tests run outside of it.</summary>
    public static string? Root { get; } = Find();

    /// <summary>The assembly of a program, built like these tests.</summary>
    public static string Assembly(string project, string? name = null) => Path.Combine(
        Root ?? throw new InvalidOperationException("The tests do not run inside the repository, so its programs cannot be found."),
        project, "bin", s_configuration, "net10.0", (name ?? project) + ".dll");

    private static string? Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SseApp.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName;
    }
}
