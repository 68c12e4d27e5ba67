using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Orchestration;

/// <summary>The start, stop and restart commands of whatever the orchestrator runs.</summary>
internal static class LifecycleCommands
{
    public static void AddTo(IResource resource)
    {
        if (resource.Annotations.OfType<ResourceCommandAnnotation>().Any(c => c.Name == KnownResourceCommands.StartCommand))
        {
            return;
        }

        resource.Annotations.Add(Create(
            resource,
            KnownResourceCommands.StartCommand,
            "Start",
            "Start resource",
            "Play",
            IconVariant.Filled,
            isHighlighted: true,
            state => IsComingUp(state) ? ResourceCommandState.Disabled
                : IsStopped(state) || state == KnownResourceStates.Waiting ? ResourceCommandState.Enabled
                : ResourceCommandState.Hidden,
            (orchestrator, id, cancellationToken) => orchestrator.StartResourceAsync(resource, id, cancellationToken),
            "started"));
        resource.Annotations.Add(Create(
            resource,
            KnownResourceCommands.StopCommand,
            "Stop",
            "Stop resource",
            "Stop",
            IconVariant.Filled,
            isHighlighted: true,
            state => state == KnownResourceStates.Stopping ? ResourceCommandState.Disabled
                : IsStopped(state) || IsComingUp(state) || state == KnownResourceStates.Waiting ? ResourceCommandState.Hidden
                : ResourceCommandState.Enabled,
            (orchestrator, id, cancellationToken) => orchestrator.StopResourceAsync(resource, id, cancellationToken),
            "stopped"));
        resource.Annotations.Add(Create(
            resource,
            KnownResourceCommands.RestartCommand,
            "Restart",
            "Stop resource, then start it again",
            "ArrowCounterclockwise",
            IconVariant.Regular,
            isHighlighted: false,
            state => IsComingUp(state) || IsStopped(state) || state == KnownResourceStates.Stopping || state == KnownResourceStates.Waiting
                ? ResourceCommandState.Disabled
                : ResourceCommandState.Enabled,
            (orchestrator, id, cancellationToken) => orchestrator.RestartResourceAsync(resource, id, cancellationToken),
            "restarted"));
    }

    private static ResourceCommandAnnotation Create(
        IResource resource,
        string name,
        string displayName,
        string description,
        string iconName,
        IconVariant iconVariant,
        bool isHighlighted,
        Func<string?, ResourceCommandState> stateOf,
        Func<IDistributedApplicationOrchestrator, string, CancellationToken, Task> execute,
        string done)
        => new(
            name,
            displayName,
            context => stateOf(context.ResourceSnapshot.State?.Text),
            async context =>
            {
                await execute(context.Services.GetRequiredService<IDistributedApplicationOrchestrator>(), context.ResourceName, context.CancellationToken).ConfigureAwait(false);
                return CommandResults.Success($"Resource '{context.ResourceName}' {done}.");
            },
            description,
            parameter: null,
            confirmationMessage: null,
            iconName,
            iconVariant,
            isHighlighted);

    private static bool IsComingUp(string? state)
        => string.IsNullOrEmpty(state) || state == KnownResourceStates.Starting || state == KnownResourceStates.RuntimeUnhealthy;

    // The engine reports "Unknown" for a container that went away on its own; it can be started again.
    private static bool IsStopped(string? state)
        => state is not null && (KnownResourceStates.TerminalStates.Contains(state) || state == KnownResourceStates.NotStarted || state == "Unknown");
}
