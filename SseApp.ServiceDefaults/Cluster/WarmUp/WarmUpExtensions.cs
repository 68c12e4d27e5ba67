using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.WarmUp;

internal static class WarmUpExtensions
{
    /// <summary>The service is ready when it is warm.</summary>
    public static void AddWarmUp<TPath>(this IHostApplicationBuilder builder)
        where TPath : class, IWarmUpPath
    {
        builder.Services.AddValidatedOptions<WarmUpOptions>(WarmUpOptions.SectionName);
        builder.Services.AddSingleton<WarmUpState>();
        if (!builder.IsWarmUpEnabled())
        {
            return;
        }

        builder.Services.AddSingleton<IWarmUpPath, TPath>();
        builder.Services.AddHostedService<WarmUpService>();
        builder.Services.AddHealthChecks().AddCheck<WarmUpHealthCheck>("warm-up", tags: [HealthTags.Ready]);
    }

    public static bool IsWarmUpEnabled(this IHostApplicationBuilder builder) =>
        Settings.Bind(builder.Configuration.GetSection(WarmUpOptions.SectionName), new WarmUpOptions()).Enabled;
}
