namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Section <c>Secrets</c>: settings that are files, as Compose and Kubernetes mount secrets.</summary>
public sealed class SecretFilesOptions
{
    public const string SectionName = "Secrets";

    /// <summary>
    /// Folder with a file for each such setting: <c>Security__GatewayKey</c> holds the value of <c>Security:GatewayKey</c>, without the
    /// line end at its end. They win over variables and settings files, and are read at the start only; files without <c>__</c> in their names are
    /// left alone. Default <c>/run/secrets</c>, if it is there.
    /// </summary>
    public string Folder { get; set; } = "/run/secrets";
}

internal static class SecretFiles
{
    /// <summary>Adds the files as a source; what is added later wins over them.</summary>
    public static void AddSecretFiles(this IConfigurationManager configuration)
    {
        const string folder = $"{SecretFilesOptions.SectionName}:{nameof(SecretFilesOptions.Folder)}";
        var set = configuration[folder];
        var path = Path.GetFullPath(string.IsNullOrWhiteSpace(set) ? new SecretFilesOptions().Folder : set);
        if (Directory.Exists(path))
        {
            // Others' secrets lie there, too, and need not be readable.
            configuration.AddKeyPerFile(source =>
            {
                source.FileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(path);
                source.IgnoreCondition = static name => !name.Contains("__", StringComparison.Ordinal);
                source.Optional = true;
            });
        }
        else if (!string.IsNullOrWhiteSpace(set))
        {
            throw new OptionsValidationException(SecretFilesOptions.SectionName, typeof(SecretFilesOptions), [$"{folder} is {SettingsReading.Quote(set)}, but there is no folder {path}; mount the secrets there, or take the setting away."]);
        }
    }
}
