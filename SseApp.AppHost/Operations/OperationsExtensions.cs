using SseApp.AppHost.Supervision;

namespace SseApp.AppHost.Operations;

internal static class OperationsExtensions
{
    // What people type: aspire resource gateway reload.
    internal const string Reload = "reload";
    internal const string Drain = "drain";
    internal const string Undrain = "undrain";

    private const string Ready = "ready";

    /// <summary>
    /// Adds the operators' commands, for the dashboard and for <c>aspire resource</c>: on the replicas reload, drain, undrain, on the
    /// gateway the same with a replica's id. Shows each replica's state and streams in its details, and lets the gateway know of restarts.
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
            .WithReload(context => ReplicaProperties.StateOf(context.ResourceSnapshot) is not null)
            .WithCommand(Drain, "Drain", context => Commands(context).DrainAsync(context, Drain), new CommandOptions
            {
                Description = "Moves this replica's streams to the others and sends it no new ones; it keeps running.",
                ConfirmationMessage = "Move this replica's streams to the others and send it no new ones?",
                IconName = "DoorArrowRight",
                UpdateState = context => EnabledIf(IsRunning(context) && ReplicaProperties.StateOf(context.ResourceSnapshot) == Ready),
            })
            .WithCommand(Undrain, "Undrain", context => Commands(context).DrainAsync(context, Undrain), new CommandOptions
            {
                Description = "Lets this replica take streams again.",
                IconName = "DoorArrowLeft",
                UpdateState = context => EnabledIf(IsRunning(context) && ReplicaProperties.StateOf(context.ResourceSnapshot) is ("draining" or "drained")),
            });

        // Who types looks for them here: the names of the instances are made anew at each start, and "events" alone is none of them.
        gateway
            .WithReload(static _ => true)
            .WithCommand(Drain, "Drain a replica", context => Commands(context).DrainNamedAsync(context, Drain), new CommandOptions
            {
                Description = "Moves a replica's streams to the others and sends it no new ones; it keeps running.",
                IconName = "DoorArrowRight",
                Arguments = [ReplicaInput()],
                UpdateState = context => EnabledIf(IsRunning(context)),
            })
            .WithCommand(Undrain, "Undrain a replica", context => Commands(context).DrainNamedAsync(context, Undrain), new CommandOptions
            {
                Description = "Lets a replica take streams again.",
                IconName = "DoorArrowLeft",
                Arguments = [ReplicaInput()],
                UpdateState = context => EnabledIf(IsRunning(context)),
            });
    }

    private static IResourceBuilder<ProjectResource> WithReload(this IResourceBuilder<ProjectResource> resource, Func<UpdateCommandStateContext, bool> isPossible) =>
        resource.WithCommand(Reload, "Reload all, one at a time", context => Commands(context).ReloadAsync(context), new CommandOptions
        {
            Description = "Replaces the processes of all replicas one after the other; clients move over and lose nothing.",
            ConfirmationMessage = "Replace the processes of all replicas, one after the other? Clients stay connected through the others.",
            IconName = "ArrowSync",
            IsHighlighted = true,
            UpdateState = context => EnabledIf(IsRunning(context) && isPossible(context)),
        });

    private static InteractionInput ReplicaInput() => new()
    {
        Name = OperatorCommands.ReplicaArgument,
        Label = "Replica",
        Description = "Its name in the list of resources (events-…), or its id as a replica.",
        InputType = InputType.Text,
        Required = true,
    };

    private static OperatorCommands Commands(ExecuteCommandContext context) => context.Services.GetRequiredService<OperatorCommands>();

    private static bool IsRunning(UpdateCommandStateContext context) => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running;

    private static ResourceCommandState EnabledIf(bool condition) => condition ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
}
