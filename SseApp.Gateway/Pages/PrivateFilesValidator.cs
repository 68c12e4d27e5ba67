using System.Text.RegularExpressions;

namespace SseApp.Gateway.Pages;

/// <summary>
/// Everybody may read what lies in <c>StaticFiles:Root</c>. So a folder with what this process keeps for itself is none: its settings, which
/// hold passwords, above all because a relative path begins where they are; keys; and the log of who asked for what.
/// </summary>
internal sealed partial class PrivateFilesValidator(IConfiguration configuration, IHostEnvironment environment) : IValidateOptions<StaticFilesOptions>
{
    public ValidateOptionsResult Validate(string? name, StaticFilesOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Root))
        {
            return ValidateOptionsResult.Success;
        }

        var root = Path.GetFullPath(options.Root);
        string[] wrong =
        [
            .. Settings().Concat(Configured())
                .Where(file => PageFiles.IsWithin(root, file.Path) || (Directory.Exists(file.Path) && PageFiles.IsWithin(file.Path, root)))
                .Select(file => $"{StaticFilesOptions.SectionName}:{nameof(StaticFilesOptions.Root)} is '{options.Root}', but there is {file.Path} ({file.What}), and everybody could read it; name a folder that has nothing but pages."),
        ];
        return wrong.Length > 0 ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
    }

    private IEnumerable<(string Path, string What)> Settings() =>
        ((string[])["appsettings.json", $"appsettings.{environment.EnvironmentName}.json"])
            .Select(file => Path.Combine(environment.ContentRootPath, file))
            .Where(File.Exists)
            .Select(path => (path, "settings of this gateway"));

    private IEnumerable<(string Path, string What)> Configured() => configuration.AsEnumerable()
        .Where(pair => !string.IsNullOrWhiteSpace(pair.Value) && Secret().IsMatch(pair.Key) && !IsCertificateAlone(pair.Key))
        .Select(pair => (Path.GetFullPath(pair.Value!), pair.Key))
        .Where(file => !file.Item1.StartsWith("/dev/", StringComparison.Ordinal));

    // With a file for its key the other one is for everybody.
    private bool IsCertificateAlone(string setting) =>
        (setting.EndsWith(":CertificateFile", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrWhiteSpace(configuration[setting.Replace(":CertificateFile", ":KeyFile", StringComparison.OrdinalIgnoreCase)]))
        || (setting.EndsWith(":Path", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrWhiteSpace(configuration[setting[..^"Path".Length] + "KeyPath"]));

    [GeneratedRegex("^(Tls:(Certificate|Key)File|Admin:KeyFile|Security:ApiKeyFile|Secrets:Folder|AccessLog:File|Kestrel:.*:(Key)?Path)$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Secret();
}
