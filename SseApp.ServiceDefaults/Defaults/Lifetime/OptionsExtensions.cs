using Microsoft.Extensions.DependencyInjection;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

internal static class OptionsExtensions
{
    /// <summary>Binds the section, and stops the start when a value is not allowed.</summary>
    public static IServiceCollection AddValidatedOptions<TOptions>(this IServiceCollection services, string section)
        where TOptions : class
    {
        services.AddOptions<TOptions>().BindConfiguration(section).ValidateDataAnnotations().ValidateOnStart();
        return services;
    }
}
