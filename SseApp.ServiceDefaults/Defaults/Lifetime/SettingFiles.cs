namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The files that settings are read from by their names. Where upper and lower case are different letters,
/// <c>ASPNETCORE_ENVIRONMENT=production</c> leaves <c>appsettings.Production.json</c> out in silence, and with it what it forbids.
/// </summary>
internal static class SettingFiles
{
    /// <summary>A line for each file that nobody reads because of the case of a letter.</summary>
    public static IEnumerable<string> Problems(IHostEnvironment environment)
    {
        // As a line of a file with Windows' line ends leaves it: "Production\r".
        if (environment.EnvironmentName.Any(static letter => char.IsWhiteSpace(letter) || char.IsControl(letter)))
        {
            yield return $"The name of the environment is {JsonSerializer.Serialize(environment.EnvironmentName)}, with a blank or an invisible character in it, so no file of settings has its name. "
                + "Set ASPNETCORE_ENVIRONMENT (DOTNET_ENVIRONMENT, --environment) without; a file of variables must have the line ends of Unix.";
            yield break;
        }

        foreach (var name in (string[])["appsettings.json", $"appsettings.{environment.EnvironmentName}.json"])
        {
            var alike = Directory.EnumerateFiles(environment.ContentRootPath)
                .Select(path => Path.GetFileName(path))
                .Where(file => string.Equals(file, name, StringComparison.OrdinalIgnoreCase))
                .ToArray();
            // Where the case of letters makes no difference there is one, and it has this name too.
            if (alike.Length > 1 || !File.Exists(Path.Combine(environment.ContentRootPath, name)))
            {
                foreach (var unread in alike.Where(file => !string.Equals(file, name, StringComparison.Ordinal)))
                {
                    yield return $"{Path.Combine(environment.ContentRootPath, unread)} is not read: in the environment '{environment.EnvironmentName}' the file is called {name}, in the same upper and lower case. Rename it, or set ASPNETCORE_ENVIRONMENT as in its name.";
                }
            }
        }
    }
}
