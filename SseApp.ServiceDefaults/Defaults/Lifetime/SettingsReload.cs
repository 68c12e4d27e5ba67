namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>What a change of the settings must pass before a running service takes any of it: the checks that a start has.</summary>
internal static class SettingsReload
{
    /// <summary>
    /// Reads a section again. It counts only without a mistake in it, and without a setting outside of the sections that is meant
    /// for one: by <c>Acces:Deny</c>, <c>Access:Deny</c> is gone, which is no wish to have no list.
    /// </summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="section">The section that is read again.</param>
    /// <param name="problems">What is wrong, in words.</param>
    /// <returns>Null when something is.</returns>
    public static TOptions? Read<TOptions>(IConfiguration configuration, string section, out string problems)
        where TOptions : class, new()
    {
        var settings = configuration.GetSection(section);
        var options = Settings.Bind(settings, new TOptions());
        problems = string.Join(' ', [.. Settings.Problems(settings, options, SettingNames.Of(section)), .. SettingNames.Problems(configuration, [])]);
        return problems.Length == 0 ? options : null;
    }
}
