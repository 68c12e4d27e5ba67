namespace SseApp.Tests.Infrastructure;

/// <summary>A package of npm, fetched once from the configured registry into <c>artifacts/npm</c>.</summary>
internal static class NodePackage
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Where its files are; skips the test where Node.js is missing or the registry does not give it.</summary>
    public static async Task<string> RequireAsync(string name, string version)
    {
        var npm = BackplaneServer.FindOnPath("npm");
        if (Repository.Root is null || npm is null || BackplaneServer.FindOnPath("node") is null)
        {
            Assert.Skip("Node.js with npm is not installed (apt-get install nodejs npm), or the tests do not run inside the repository.");
        }

        var folder = Path.Combine(Repository.Root, "artifacts", "npm", $"{name}-{version}");
        var package = Path.Combine(folder, "node_modules", name);
        if (!Directory.Exists(package))
        {
            Directory.CreateDirectory(folder);
            await using var install = ChildProcess.Start(new ProcessStartInfo(
                npm, ["install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", $"{name}@{version}"]));
            await install.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System);
            if (!Directory.Exists(package))
            {
                Assert.Skip($"npm could not fetch {name}@{version}: {install.Tail()}");
            }
        }

        return package;
    }
}
