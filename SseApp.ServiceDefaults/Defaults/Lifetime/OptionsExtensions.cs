namespace SseApp.ServiceDefaults.Defaults.Lifetime;

internal static class OptionsExtensions
{
    /// <summary>Binds the section, and stops the start when a value or a name is not allowed; see <see cref="Settings"/>.</summary>
    public static IServiceCollection AddValidatedOptions<TOptions>(this IServiceCollection services, string section)
        where TOptions : class
    {
        services.AddOptions<TOptions>()
            .Configure<IConfiguration>((options, configuration) => Settings.Bind(configuration.GetSection(section), options))
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<TOptions>>(provider =>
            new SectionValidator<TOptions>(provider.GetRequiredService<IConfiguration>().GetSection(section), SettingNames.Of(section)));
        return services;
    }

    private sealed class SectionValidator<TOptions>(IConfigurationSection section, IReadOnlyCollection<string> names) : IValidateOptions<TOptions>
        where TOptions : class
    {
        public ValidateOptionsResult Validate(string? name, TOptions options) =>
            Settings.Problems(section, options, names) is { Count: > 0 } problems ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }
}
