using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.AppHost.Startup;

internal static class SettingsExtensions
{
    /// <summary>
    /// Fills <paramref name="settings"/> from a section. A value that is not allowed, and a name that is none, becomes a
    /// <see cref="StartupProblems">problem</see>; the default stays.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="section">Path of the section.</param>
    /// <param name="settings">The defaults.</param>
    /// <param name="others">Further names that the section may have, known when the application starts.</param>
    public static T ReadSettings<T>(this IDistributedApplicationBuilder builder, string section, T settings, Func<IEnumerable<string>>? others = null)
        where T : class, new()
    {
        var values = builder.Configuration.GetSection(section);
        StartupProblems.Of(builder).AddCheck(() =>
            Settings.Problems(values, Settings.Bind(values, new T()), [.. SettingNames.Of(section), .. others?.Invoke() ?? []]));
        return Settings.BindAllowed(values, settings);
    }

    /// <summary>
    /// Checks what is in none of the AppHost's own sections: a section or a variable whose name is misspelt, and settings of
    /// the services where only the AppHost reads them, as its arguments: they would be nothing, in silence.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="args">Its arguments; Aspire's tools have some of their own, so of those that nobody here reads only what is meant for us is refused.</param>
    /// <param name="own">The sections that the AppHost itself reads.</param>
    public static void CheckOtherSettings(this IDistributedApplicationBuilder builder, string[] args, params string[] own) => StartupProblems.Of(builder).AddCheck(() =>
    {
        // The services get the environment that the AppHost has.
        var inherited = new ConfigurationBuilder().AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().Build();
        string[] misplaced = [.. SettingNames.Problems(builder.Configuration, SettingNames.Variables), .. SettingFiles.Problems(builder.Environment)];
        return misplaced.Concat(
            Arguments.Unknown(args)
                .Where(name => SettingNames.Called(name) is not null && !Array.Exists(misplaced, line => line.StartsWith($"{name} is ", StringComparison.OrdinalIgnoreCase)))
                .Select(Arguments.Unread)).Concat(
            SettingNames.Sections.Except(own, StringComparer.OrdinalIgnoreCase)
                .SelectMany(section => SettingNames.Leaves(builder.Configuration.GetSection(section)))
                .Where(setting => setting.Value is not null && inherited[setting.Path] is null && !IsAspires(setting))
                .Select(setting => $"{setting.Path} is set for the AppHost alone, which does not read it; set the environment variable "
                    + $"{setting.Path.Replace(":", "__", StringComparison.Ordinal)}, which every service gets, or the appsettings.json of the service."));
    });

    // Its publisher has a section of the same name as one of the replicas.
    private static bool IsAspires(IConfigurationSection setting) => setting.Path.Split(':') is [var section, var name, ..]
        && string.Equals(section, "Publishing", StringComparison.OrdinalIgnoreCase) && !SettingNames.Of(section).Contains(name, StringComparer.OrdinalIgnoreCase);
}
