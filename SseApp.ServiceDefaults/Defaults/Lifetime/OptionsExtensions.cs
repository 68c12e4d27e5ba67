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
        services.AddSingleton<IValidateOptions<TOptions>>(provider => new SectionValidator<TOptions>(provider.GetRequiredService<IConfiguration>(), section));
        services.AddSingleton<ValidatedSection>(new Section<TOptions>(section));
        return services;
    }

    private sealed class SectionValidator<TOptions>(IConfiguration configuration, string section) : IValidateOptions<TOptions>
        where TOptions : class
    {
        public ValidateOptionsResult Validate(string? name, TOptions options) =>
            Settings.Problems(configuration.GetSection(section), options, SettingNames.Of(section)) is { Count: > 0 } problems ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }

    private sealed class Section<TOptions>(string section) : ValidatedSection
        where TOptions : class
    {
        public override IEnumerable<string> Problems(IServiceProvider services, IConfiguration configuration)
        {
            var values = configuration.GetSection(section);
            var options = Settings.Bind(values, (TOptions)Activator.CreateInstance(typeof(TOptions), nonPublic: true)!);
            var problems = Settings.Problems(values, options, SettingNames.Of(section));
            return problems.Count > 0 ? problems : services.GetServices<IValidateOptions<TOptions>>()
                .Where(validator => validator is not SectionValidator<TOptions>)
                .SelectMany(validator => validator.Validate(Options.DefaultName, options) is { Failed: true, Failures: { } failures } ? failures : []);
        }
    }
}
