namespace SseApp.Gateway.Refusals;

internal static class RefusalExtensions
{
    public static void AddRefusals(this IServiceCollection services)
    {
        services.AddValidatedOptions<RefusalOptions>(RefusalOptions.SectionName);
        services.AddValidatedOptions<StormOptions>(StormOptions.SectionName);
        services.AddSingleton<RetrySpread>();
        services.AddSingleton<RefusalTotal>();
        services.AddHostedService(static provider => provider.GetRequiredService<RefusalTotal>());
        services.AddSingleton<RefusalWriter>();
    }
}
