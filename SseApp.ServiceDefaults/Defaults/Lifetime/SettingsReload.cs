namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>What a change of the settings must pass before a running service takes any of it: the checks that a start has.</summary>
internal static class SettingsReload
{
    /// <summary>
    /// A line for each mistake in the section, and for each setting outside of the sections that is meant for one: by
    /// <c>Acces:Deny</c>, <c>Access:Deny</c> is gone, which is no wish to have no list.
    /// </summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="section">The section that is read again.</param>
    /// <param name="options">What is bound to it.</param>
    public static IReadOnlyCollection<string> Problems(IConfiguration configuration, string section, object options) =>
    [
        .. Settings.Problems(configuration.GetSection(section), options, SettingNames.Of(section)),
        .. SettingNames.Problems(configuration, []),
    ];
}
