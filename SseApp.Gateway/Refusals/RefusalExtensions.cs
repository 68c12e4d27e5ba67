namespace SseApp.Gateway.Refusals;

internal static class RefusalExtensions
{
    public static void AddRefusals(this IServiceCollection services)
    {
        services.AddValidatedOptions<RefusalOptions>(RefusalOptions.SectionName);
        services.AddSingleton<RefusalTotal>();
        services.AddSingleton<RefusalWriter>();
    }
}
