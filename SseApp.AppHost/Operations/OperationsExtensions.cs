using SseApp.AppHost.Supervision;

namespace SseApp.AppHost.Operations;

internal static class OperationsExtensions
{
    private const string Ready = "ready";

    /// <summary>
    /// Adds the dashboard's commands on the replicas (reload, drain, undrain), shows each replica's state and streams in its
    /// details, and lets the gateway know of restarts.
    /// </summary>
    public static void WithOperatorCommands(
        this IResourceBuilder<ProjectResource> events, IResourceBuilder<ProjectResource> gateway, OperatorListeners listeners)
    {
        if (!events.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return;
        }

        var services = events.ApplicationBuilder.Services;
        services.AddSingleton(listeners);
        services.AddSingleton(provider => new GatewayOperator(OperatorListeners.Of(gateway), provider.GetRequiredService<OperatorListeners>().Key));
        services.AddSingleton<OperatorCommands>();
        services.AddSingleton<GatewayRestartReport>();
        services.AddSingleton<IRestartReport>(provider => provider.GetRequiredService<GatewayRestartReport>());
        services.AddHostedService(provider => provider.GetRequiredService<GatewayRestartReport>());
        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<ReplicaObserver>(provider, events.Resource));

        events.ApplicationBuilder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
        {
            // The end of the process alone disposes nothing.
            starting.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(listeners.Dispose);
            return Task.CompletedTask;
        });
        events
            .WithCommand("reload", "Reload all, one at a time", context => Commands(context).ReloadAsync(context), new CommandOptions
            {
                Description = "Replaces the processes of all replicas one after the other; clients move over and lose nothing.",
                ConfirmationMessage = "Replace the processes of all replicas, one after the other? Clients stay connected through the others.",
                IconName = "ArrowSync",
                IsHighlighted = true,
                UpdateState = context => EnabledIf(IsRunning(context) && ReplicaProperties.StateOf(context.ResourceSnapshot) is not null),
            })
            .WithCommand("drain", "Drain", context => Commands(context).DrainAsync(context, "drain"), new CommandOptions
            {
                Description = "Moves this replica's streams to the others and sends it no new ones; it keeps running.",
                ConfirmationMessage = "Move this replica's streams to the others and send it no new ones?",
                IconName = "DoorArrowRight",
                UpdateState = context => EnabledIf(IsRunning(context) && ReplicaProperties.StateOf(context.ResourceSnapshot) == Ready),
            })
            .WithCommand("undrain", "Undrain", context => Commands(context).DrainAsync(context, "undrain"), new CommandOptions
            {
                Description = "Lets this replica take streams again.",
                IconName = "DoorArrowLeft",
                UpdateState = context => EnabledIf(IsRunning(context) && ReplicaProperties.StateOf(context.ResourceSnapshot) is ("draining" or "drained")),
            });
    }

    private static OperatorCommands Commands(ExecuteCommandContext context) => context.Services.GetRequiredService<OperatorCommands>();

    private static bool IsRunning(UpdateCommandStateContext context) => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running;

    private static ResourceCommandState EnabledIf(bool condition) => condition ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
}
