namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Section <c>Secrets</c>: settings that are files, as Compose and Kubernetes mount secrets.</summary>
public sealed class SecretFilesOptions
{
    public const string SectionName = "Secrets";

    /// <summary>
    /// Folder with a file for each such setting: <c>Security__GatewayKey</c> holds the value of <c>Security:GatewayKey</c>, without the
    /// line end at its end. They win over variables and settings files, and are read at the start only; a folder of such a name, a link to
    /// nothing, a file that may not be read and one that is not UTF-8 (or what its byte order mark says) stop the start. What has no <c>__</c> in its name is left alone. Default <c>/run/secrets</c>, if it is there.
    /// </summary>
    public string Folder { get; set; } = "/run/secrets";
}

internal static class SecretFiles
{
    private const string Setting = $"{SecretFilesOptions.SectionName}:{nameof(SecretFilesOptions.Folder)}";

    /// <summary>Adds the files as a source; what is added later wins over them.</summary>
    public static void AddSecretFiles(this IConfigurationManager configuration)
    {
        var set = configuration[Setting];
        var path = FolderOf(configuration);
        if (Directory.Exists(path))
        {
            // A setting that somebody believes to be there is not left out in silence: it may be one that keeps others out.
            var wrong = Directory.EnumerateFileSystemEntries(path).Where(static file => IsSetting(Path.GetFileName(file))).Select(Fault).OfType<string>().Order(StringComparer.Ordinal).ToArray();
            if (wrong.Length > 0)
            {
                throw new OptionsValidationException(SecretFilesOptions.SectionName, typeof(SecretFilesOptions), wrong);
            }

            // Others' secrets lie there, too, and need not be readable.
            configuration.AddKeyPerFile(source =>
            {
                source.FileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(path);
                source.IgnoreCondition = static name => !IsSetting(name);
                source.Optional = true;
            });
        }
        else if (!string.IsNullOrWhiteSpace(set))
        {
            throw new OptionsValidationException(SecretFilesOptions.SectionName, typeof(SecretFilesOptions), [$"{Setting} is {SettingsReading.Quote(set)}, but there is no folder {path}; mount the secrets there, or take the setting away."]);
        }
    }

    /// <summary>A line for each such file that everybody may read.</summary>
    public static IEnumerable<string> Warnings(IConfiguration configuration)
    {
        var path = FolderOf(configuration);
        return !Directory.Exists(path) ? []
            : Directory.EnumerateFiles(path).Where(static file => IsSetting(Path.GetFileName(file))).Order(StringComparer.Ordinal)
                .Select(static file => OpenFile.Readable(file) is { } open ? $"{file} is a setting, {open}." : null).OfType<string>();
    }

    private static string FolderOf(IConfiguration configuration) =>
        Path.GetFullPath(configuration[Setting] is { } set && !string.IsNullOrWhiteSpace(set) ? set : new SecretFilesOptions().Folder);

    private static bool IsSetting(string name) => name.Contains("__", StringComparison.Ordinal);

    private static string? Fault(string file)
    {
        if (Directory.Exists(file))
        {
            return $"{file} is to be a setting, but it is a folder, as a container gets for a mounted file that does not exist; put the file there, or take it away.";
        }

        try
        {
            _ = TextFile.Read(file);
            return OpenFile.Writable(file) is { } open ? $"{file} is a setting, {open}." : null;
        }
        catch (InvalidDataException exception)
        {
            return $"{file} is to be a setting, but {exception.Message}, or take it away.";
        }
        catch (FileNotFoundException)
        {
            return $"{file} is to be a setting, but it is a link to nothing; put the file there, or take it away.";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"{file} is to be a setting, but it cannot be read: {exception.Message.TrimEnd('.')}. Let this service's user read it, or take it away.";
        }
    }
}
