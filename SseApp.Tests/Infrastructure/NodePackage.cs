namespace SseApp.Tests.Infrastructure;

/// <summary>A package of npm, fetched once from the configured registry into <c>artifacts/npm</c>.</summary>
internal static class NodePackage
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Where its files are; skips the test where Node.js is missing or the registry does not give it.</summary>
    public static async Task<string> RequireAsync(string name, string version)
    {
        return Path.Combine(await RequireAllAsync($"{name}-{version}", [KeyValuePair.Create(name, version)]), name);
    }

    /// <summary>Several packages at once, which costs little more than one.</summary>
    /// <returns>The folder that has a folder for each.</returns>
    public static async Task<string> RequireAllAsync(string set, IReadOnlyCollection<KeyValuePair<string, string>> versions)
    {
        var npm = BackplaneServer.FindOnPath("npm");
        if (Repository.Root is null || npm is null || BackplaneServer.FindOnPath("node") is null)
        {
            Assert.Skip("Node.js with npm is not installed (apt-get install nodejs npm), or the tests do not run inside the repository.");
        }

        var folder = Path.Combine(Repository.Root, "artifacts", "npm", set);
        var modules = Path.Combine(folder, "node_modules");
        if (!versions.All(package => Has(modules, package)))
        {
            Directory.CreateDirectory(folder);
            await using var install = ChildProcess.Start(new ProcessStartInfo(
                npm,
                [
                    "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--prefer-offline",
                    .. versions.Select(package => $"{package.Key}@{package.Value}"),
                ]));
            await install.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System);
            if (!versions.All(package => Has(modules, package)))
            {
                Assert.Skip($"npm could not fetch {string.Join(", ", versions.Where(package => !Has(modules, package)))}: {install.Tail()}");
            }
        }

        return modules;
    }

    private static bool Has(string modules, KeyValuePair<string, string> package)
    {
        var file = Path.Combine(modules, package.Key, "package.json");
        if (!File.Exists(file))
        {
            return false;
        }

        // A version that is not exact, as "4", is met by all that begin with it.
        var version = JsonElement.Parse(File.ReadAllText(file)).GetProperty("version").GetString();
        return version == package.Value || version!.StartsWith(package.Value + '.', StringComparison.Ordinal);
    }
}
