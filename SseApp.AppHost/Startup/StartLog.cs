namespace SseApp.AppHost.Startup;

internal static class StartLog
{
    /// <summary>Logs as the AppHost when it starts; while the cluster is composed there is no log yet.</summary>
    public static void LogAtStart(this IDistributedApplicationBuilder builder, Action<ILogger> log) => builder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
    {
        log(starting.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost"));
        return Task.CompletedTask;
    });
}
