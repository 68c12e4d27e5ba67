using System.Reflection;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The files that settings are read from by their names, and the folder that has them (the content root): the one that is set
/// (<c>--contentRoot</c>), else the working directory if it has such a file, else that of the program. A service manager starts a
/// program in <c>/</c>, where the platform would find none of its settings, in silence, and with them no protection.
/// </summary>
internal sealed partial class SettingFiles
{
    private const string Root = "contentRoot";

    private readonly string? _other;

    private SettingFiles(string? folder, string? other)
    {
        Folder = folder;
        _other = other;
    }

    /// <summary>The folder to read them from; null: the one that is set.</summary>
    public string? Folder { get; }

    /// <summary>What is wrong with the folder that is set; null: nothing, or none is.</summary>
    public string? Wrong { get; private init; }

    /// <param name="args">The arguments of the process.</param>
    /// <param name="program">The program's folder.</param>
    public static SettingFiles Find(string[] args, string program)
    {
        // As the host reads it.
        var host = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables("DOTNET_").AddCommandLine(args).Build();
        var environment = host[HostDefaults.EnvironmentKey] is { Length: > 0 } name ? name : Environments.Production;
        program = Path.TrimEndingDirectorySeparator(program);
        var application = host[HostDefaults.ApplicationKey] is { Length: > 0 } called ? called : Assembly.GetEntryAssembly()?.GetName().Name;
        return host[Root] is { Length: > 0 } root ? new SettingFiles(folder: null, other: null)
        {
            // A relative one begins at the program, as the host has it.
            Wrong = Directory.Exists(Path.Combine(program, root)) ? null : $"{Root} is {SettingsReading.Quote(root)}, but there is no folder {Path.GetFullPath(Path.Combine(program, root)).ReplaceLineEndings(" ")}; name the one that has the files of settings (--{Root}, ASPNETCORE_CONTENTROOT, DOTNET_CONTENTROOT).",
        }
            : WorkingDirectory() is not { } working || working == program ? new SettingFiles(program, other: null)
            : Names(environment, application).Any(file => Alike(working, file).Length > 0) ? new SettingFiles(working, program)
            : new SettingFiles(program, working);
    }

    /// <summary>A line for each file that nobody reads because of a mistake in a name, and for each folder in the place of one.</summary>
    public IEnumerable<string> Problems(IHostEnvironment environment) => Problems(environment, _other);

    /// <param name="environment">The environment, and the folder that files are read from.</param>
    /// <param name="other">Another folder in which somebody may have put them.</param>
    public static IEnumerable<string> Problems(IHostEnvironment environment, string? other = null)
    {
        // As a line of a file with Windows' line ends leaves it: "Production\r".
        if (environment.EnvironmentName.Any(static letter => char.IsWhiteSpace(letter) || char.IsControl(letter)))
        {
            yield return $"The name of the environment is {JsonSerializer.Serialize(environment.EnvironmentName)}, with a blank or an invisible character in it, so no file of settings has its name. "
                + "Set ASPNETCORE_ENVIRONMENT (DOTNET_ENVIRONMENT, --environment) without; a file of variables must have the line ends of Unix.";
            yield break;
        }

        var folder = environment.ContentRootPath;
        foreach (var name in Names(environment.EnvironmentName, environment.ApplicationName))
        {
            var path = Path.Combine(folder, name);
            if (Directory.Exists(path))
            {
                // Docker makes one for a file to mount that is not there.
                yield return $"{path} is a folder, and settings are read from a file of this name. Remove it, or put the file in its place; a container gets a folder when the file that it mounts does not exist.";
                continue;
            }

            var alike = Alike(folder, name);
            // Where the case of letters makes no difference there is one, and it has this name too.
            if (alike.Length > 1 || !File.Exists(path))
            {
                foreach (var unread in alike.Where(file => !string.Equals(file, name, StringComparison.Ordinal)))
                {
                    yield return $"{Path.Combine(folder, unread)} is not read: in the environment '{environment.EnvironmentName}' the file is called {name}, in the same upper and lower case. Rename it, or set ASPNETCORE_ENVIRONMENT as in its name.";
                }
            }
        }

        // In Development nothing is closed that such a file could close further.
        if (!environment.IsDevelopment())
        {
            foreach (var (place, meant) in OfOthers(environment.EnvironmentName, folder, other).Where(file => IsMeant(file.Environment, environment.EnvironmentName)).Select(file => (file.Path, file.Environment)))
            {
                yield return $"{place} is not read: the environment is '{environment.EnvironmentName}'. Set ASPNETCORE_ENVIRONMENT={meant}, or rename the file to appsettings.{environment.EnvironmentName}.json, or take it away.";
            }
        }
    }

    /// <summary>A line for each file of this environment that is not text: the platform has read it, and replaced what it could not read.</summary>
    public static IEnumerable<string> NotText(IHostEnvironment environment)
    {
        foreach (var path in Names(environment.EnvironmentName, environment.ApplicationName).Select(name => Path.Combine(environment.ContentRootPath, name)).Where(File.Exists))
        {
            string? problem = null;
            try
            {
                _ = TextFile.Read(path);
            }
            catch (InvalidDataException exception)
            {
                problem = $"The settings file {path} cannot be used: {exception.Message}.";
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Whoever reads it next says so.
            }

            if (problem is not null)
            {
                yield return problem;
            }
        }
    }

    /// <summary>A line for each file with settings that somebody may believe to be read.</summary>
    /// <param name="environment">The environment, and the folder that files are read from.</param>
    /// <param name="configuration">What was read.</param>
    public IEnumerable<string> Warnings(IHostEnvironment environment, IConfiguration configuration)
    {
        var folder = environment.ContentRootPath;
        var name = environment.EnvironmentName;
        string[] files = [.. Names(name, environment.ApplicationName)];
        if (!Array.Exists(files, file => File.Exists(Path.Combine(folder, file))))
        {
            yield return $"There is no file of settings ({string.Join(", ", files)}) in {folder}; only variables and arguments count.";
        }

        // Whoever names one of these means it so.
        if (name is not ("Development" or "Staging") && !(name == Environments.Production && configuration[HostDefaults.EnvironmentKey] is { Length: > 0 })
            && OfOthers(name, folder, other: null).Where(file => file.Environment != Environments.Development).Select(file => Path.GetFileName(file.Path)).ToArray() is { Length: > 0 } unread)
        {
            yield return $"The environment is '{name}', so these files in {folder} are not read: {string.Join(", ", unread)}. Set ASPNETCORE_ENVIRONMENT to say which one is meant.";
        }

        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder).Select(static path => Path.GetFileName(path)).Where(static file => OfOtherForm().IsMatch(file)).Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } foreign)
        {
            yield return $"These files in {folder} are not read, because settings are read from {string.Join(", ", files[..2])} and the environment alone: {string.Join(", ", foreign)}.";
        }

        if (_other is null || Folder == _other)
        {
            yield break;
        }

        foreach (var file in files.Select(file => Path.Combine(_other, file)).Where(File.Exists))
        {
            if (Missing(file, configuration) is { Length: > 0 } missing)
            {
                yield return $"{file} is not read, because the working directory {folder} has settings of its own, and these are in the former only: {string.Join(", ", missing)}. "
                    + $"Put all into one of the two folders, or say which one counts with --contentRoot=<folder> (variable ASPNETCORE_CONTENTROOT).";
            }
        }
    }

    private static IEnumerable<string> Names(string environment, string? application) =>
    [
        "appsettings.json", $"appsettings.{environment}.json",
        .. string.IsNullOrEmpty(application) ? (string[])[] : [$"{application}.settings.json", $"{application}.settings.{environment}.json"],
    ];

    private static string? WorkingDirectory()
    {
        try
        {
            return Path.TrimEndingDirectorySeparator(Directory.GetCurrentDirectory());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Deleted, as by whoever replaced a release while a shell stood in it.
            return null;
        }
    }

    private static string[] Alike(string folder, string name) => [.. Files(folder).Where(file => string.Equals(file, name, StringComparison.OrdinalIgnoreCase))];

    private static string[] Files(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder)
                .Select(path => Path.GetFileName(path))
                .Where(file => file.EndsWith(".json", StringComparison.OrdinalIgnoreCase))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The home of whoever became another user: what cannot be looked at has nothing to read.
            return [];
        }
    }

    // What Node and other frameworks read settings from, and what an editor of Windows makes of a name.
    [GeneratedRegex(@"^(?:\.env(?:\..+)?|appsettings(?:\..+)?\.(?:ya?ml|toml|ini|xml|jsonc|json5|json\.txt))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex OfOtherForm();

    /// <summary>Files of other environments, where this one has none.</summary>
    private static IEnumerable<(string Path, string Environment)> OfOthers(string environment, string folder, string? other) =>
        new[] { folder, other }.OfType<string>()
            .Where(place => Alike(place, $"appsettings.{environment}.json").Length == 0)
            .SelectMany(place => Files(place).Select(file => (Path: Path.Combine(place, file), Name: OfEnvironment().Match(file))))
            .Where(file => file.Name.Success)
            .Select(file => (file.Path, file.Name.Groups["environment"].Value));

    // "Prod" for "Production", or a letter wrong; not a copy that somebody kept beside it ("Production-old").
    private static bool IsMeant(string file, string environment) =>
        (file.Length >= 3 && environment.StartsWith(file, StringComparison.OrdinalIgnoreCase))
        || (environment.Length >= 3 && file is "Development" or "Staging" or "Production" && file.StartsWith(environment, StringComparison.OrdinalIgnoreCase))
        || (Math.Min(file.Length, environment.Length) >= 5 && SettingNames.AreSimilar(file, environment));

    private static string[] Missing(string file, IConfiguration configuration)
    {
        try
        {
            return [.. SettingsFile.Parse(SettingsFile.Read(file) ?? "{}").Keys
                .Where(key => !key.StartsWith('$') && !key.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase) && !configuration.GetSection(key).Exists())];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or InvalidDataException or JsonException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"^appsettings\.(?<environment>[^.]+)\.json$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex OfEnvironment();
}
