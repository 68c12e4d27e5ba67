namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Section <c>Drain</c>: how a replica or a gateway ends its streams before it stops.</summary>
internal sealed class DrainOptions
{
    public const string SectionName = "Drain";

    /// <summary>
    /// Streams end at random moments within this time, so that the other replicas get their clients one by one.
    /// Default 5 s; use 30 s in containers, and give the orchestrator's grace period 10 s more.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(5);
}

internal static class DrainExtensions
{
    /// <summary>Adds the drain, with section <c>Drain</c>, and lets the host wait for it.</summary>
    public static IServiceCollection AddDrain<TDrain>(this IServiceCollection services)
        where TDrain : DrainOnStop
    {
        services.AddValidatedOptions<DrainOptions>(DrainOptions.SectionName);
        services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain) =>
            host.ShutdownTimeout = drain.Value.Window + DrainOnStop.Grace + TimeSpan.FromSeconds(3));
        services.AddSingleton<TDrain>();
        services.AddHostedService(provider => provider.GetRequiredService<TDrain>());
        return services;
    }
}
