using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;

namespace Aspire.Hosting.Dcp;

/// <summary>Carries what the engine reports about an instance over into the resource's state.</summary>
internal sealed class WorkloadSnapshots(IReadOnlyList<ServicePlan> services, EndpointMap endpoints)
{
    private const int UnknownExitCode = -1;

    public CustomResourceSnapshot Update(DcpWorkload workload, Executable executable, CustomResourceSnapshot previous)
    {
        var (spec, status) = (executable.Spec, executable.Status);
        var state = StateOf(status?.State) ?? previous.State?.Text;
        var properties = previous.Properties;
        properties = Set(properties, KnownProperties.ExecutablePath, spec.ExecutablePath);
        properties = Set(properties, KnownProperties.ExecutableWorkDir, spec.WorkingDirectory);
        properties = Set(properties, KnownProperties.ExecutableArgs, (status?.EffectiveArgs ?? spec.Args ?? []).ToArray(), isSensitive: true);
        properties = Set(properties, KnownProperties.ExecutablePid, status?.Pid);
        if (workload.Resource is ProjectResource project)
        {
            properties = Set(properties, KnownProperties.ProjectPath, project.GetProjectMetadata().ProjectPath);
        }

        return previous with
        {
            State = WithState(previous, state),
            ExitCode = ExecutableState.IsFinal(status?.State) ? status?.ExitCode : null,
            Properties = properties,
            EnvironmentVariables = EnvironmentOf(status?.EffectiveEnv, spec.Env),
            CreationTimeStamp = executable.Metadata.CreationTimestamp?.ToUniversalTime(),
            StartTimeStamp = status?.StartupTimestamp?.ToUniversalTime(),
            StopTimeStamp = status?.FinishTimestamp?.ToUniversalTime(),
            Urls = UrlsOf(workload, state),
        };
    }

    public CustomResourceSnapshot Update(DcpWorkload workload, Container container, CustomResourceSnapshot previous)
    {
        var (spec, status) = (container.Spec, container.Status);
        var state = StateOf(status?.State) ?? previous.State?.Text;
        var properties = previous.Properties;
        properties = Set(properties, KnownProperties.ContainerImage, spec.Image);
        properties = Set(properties, KnownProperties.ContainerId, status?.ContainerId);
        properties = Set(properties, KnownProperties.ContainerCommand, spec.Command);
        properties = Set(properties, KnownProperties.ContainerArgs, (status?.EffectiveArgs ?? spec.Args ?? []).ToArray(), isSensitive: true);
        properties = Set(properties, KnownProperties.ContainerPorts, (spec.Ports ?? []).Select(port => port.ContainerPortNumber).ToArray());
        properties = Set(properties, KnownProperties.ContainerLifetime, spec.Persistent is true ? "Persistent" : "Session");
        return previous with
        {
            State = WithState(previous, state),
            ExitCode = status?.ExitCode is null or UnknownExitCode ? null : status.ExitCode,
            Properties = properties,
            EnvironmentVariables = EnvironmentOf(status?.EffectiveEnv, spec.Env),
            CreationTimeStamp = container.Metadata.CreationTimestamp?.ToUniversalTime(),
            StartTimeStamp = status?.StartupTimestamp?.ToUniversalTime(),
            StopTimeStamp = status?.FinishTimestamp?.ToUniversalTime(),
            Volumes = [.. (spec.VolumeMounts ?? []).Select(mount => new VolumeSnapshot(mount.Source, mount.Target, mount.Type, mount.ReadOnly))],
            Urls = UrlsOf(workload, state),
        };
    }

    // Before it has looked at an object the engine reports no state, or an unknown one.
    private static string? StateOf(string? state) => string.IsNullOrEmpty(state) || state is "Unknown" or "Pending" ? null : state;

    private static ResourceStateSnapshot? WithState(CustomResourceSnapshot previous, string? state) =>
        state is null || previous.State?.Text == state ? previous.State : new ResourceStateSnapshot(state, Style: null);

    private static ImmutableArray<ResourcePropertySnapshot> Set(ImmutableArray<ResourcePropertySnapshot> properties, string name, object? value, bool isSensitive = false) =>
        ResourceSnapshots.SetProperty(properties, name, value, isSensitive);

    private static ImmutableArray<EnvironmentVariableSnapshot> EnvironmentOf(IReadOnlyList<EnvVar>? effective, IReadOnlyList<EnvVar>? specified)
    {
        var names = (specified ?? []).Select(variable => variable.Name).ToHashSet(StringComparer.Ordinal);
        return [.. (effective ?? [])
            .Select(variable => new EnvironmentVariableSnapshot(variable.Name, variable.Value ?? string.Empty, names.Contains(variable.Name)))
            .OrderBy(variable => variable.Name, StringComparer.Ordinal)];
    }

    private ImmutableArray<UrlSnapshot> UrlsOf(DcpWorkload workload, string? state) =>
        ResourceUrls.Snapshot(
            workload.Resource,
            reference => services.FirstOrDefault(plan => ReferenceEquals(plan.Resource, reference.Resource) &&
                    string.Equals(plan.Endpoint.Name, reference.EndpointName, StringComparison.OrdinalIgnoreCase)) is { } plan &&
                endpoints.IsServed(plan.Name, ReferenceEquals(plan.Resource, workload.Resource) ? workload.Id : null),
            isRunning: state == KnownResourceStates.Running);
}
