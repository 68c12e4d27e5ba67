using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;

namespace Aspire.Hosting.Dcp;

/// <summary>Turns one instance of a resource into the object that the engine runs.</summary>
internal sealed class WorkloadObjects(IReadOnlyList<ServicePlan> services, string? buildConfiguration)
{
    public Executable CreateExecutable(DcpWorkload workload, ResourceConfiguration configuration)
    {
        var resource = workload.Resource;
        var executable = new Executable();
        if (resource is ProjectResource project)
        {
            var metadata = project.GetProjectMetadata();
            executable.Spec.ExecutablePath = "dotnet";
            executable.Spec.WorkingDirectory = Path.GetDirectoryName(metadata.ProjectPath);
            executable.Spec.Args = [.. ProjectArguments(metadata), .. Separated(configuration.Args)];
        }
        else
        {
            var annotation = resource.Annotations.OfType<ExecutableAnnotation>().Last();
            executable.Spec.ExecutablePath = annotation.Command;
            executable.Spec.WorkingDirectory = annotation.WorkingDirectory;
            executable.Spec.Args = configuration.Args;
        }

        executable.Spec.Env = configuration.Environment;
        Annotate(executable, workload);
        executable.Annotate(DcpAnnotations.ReplicaCount, resource.GetReplicaCount().ToString(CultureInfo.InvariantCulture));
        executable.Annotate(DcpAnnotations.ReplicaIndex, workload.Instance.Index.ToString(CultureInfo.InvariantCulture));
        return executable;
    }

    public Container CreateContainer(DcpWorkload workload, ResourceConfiguration configuration)
    {
        var resource = workload.Resource;
        if (!resource.TryGetContainerImageName(out var image))
        {
            throw new DistributedApplicationException($"The container resource '{resource.Name}' has no image.");
        }

        var container = new Container();
        var spec = container.Spec;
        spec.Image = image;
        spec.ContainerName = workload.Id;
        spec.Env = configuration.Environment;
        spec.RunArgs = configuration.RunArgs.Count == 0 ? null : configuration.RunArgs;
        spec.Command = (resource as ContainerResource)?.Entrypoint;
        spec.Args = resource is ContainerResource { ShellExecution: true } ? ["-c", string.Join(' ', configuration.Args)] : configuration.Args;
        spec.Persistent = resource.TryGetLastAnnotation<ContainerLifetimeAnnotation>(out var lifetime) && lifetime.Lifetime is ContainerLifetime.Persistent ? true : null;
        spec.VolumeMounts = [.. resource.Annotations.OfType<ContainerMountAnnotation>().Select(mount => new VolumeMount(
            mount.Type is ContainerMountType.BindMount ? "bind" : "volume", mount.Source, mount.Target, mount.IsReadOnly))];
        spec.Ports = [.. ServicesOf(resource).Select(plan => new ContainerPort(
            plan.Endpoint.TargetPort!.Value, plan.Endpoint.IsProxied ? null : plan.Endpoint.Port, plan.Endpoint.IsProxied ? null : "127.0.0.1"))];
        spec.Networks = [new ContainerNetworkConnection(
            KnownNetworkIdentifiers.DefaultAspireContainerNetwork.Value, [resource.Name, $"{resource.Name}.dev.internal"])];
        Annotate(container, workload);
        return container;
    }

    private static IEnumerable<string> Separated(IReadOnlyList<string> args) => args.Count == 0 ? [] : args.Prepend("--");

    private IEnumerable<string> ProjectArguments(IProjectMetadata metadata)
    {
        yield return "run";
        yield return "--project";
        yield return metadata.ProjectPath;
        if (metadata.SuppressBuild)
        {
            yield return "--no-build";
        }

        if (!string.IsNullOrEmpty(buildConfiguration))
        {
            yield return "--configuration";
            yield return buildConfiguration;
        }

        // The application model has already applied the launch profile.
        yield return "--no-launch-profile";
    }

    private IEnumerable<ServicePlan> ServicesOf(IResource resource) => services.Where(plan => ReferenceEquals(plan.Resource, resource));

    private void Annotate(DcpObject value, DcpWorkload workload)
    {
        value.Metadata.Name = workload.Id;
        value.Annotate(DcpAnnotations.ResourceName, workload.Resource.Name);
        value.Annotate(DcpAnnotations.OtelServiceName, workload.Resource.Name);
        value.Annotate(DcpAnnotations.OtelServiceInstanceId, workload.Instance.Suffix);
        var produced = ServicesOf(workload.Resource)
            .Select(plan => new ServiceProducer(plan.Name, ServicePlan.NormalizeHost(plan.Endpoint.TargetHost).Host, plan.Endpoint.TargetPort))
            .ToList();
        if (produced.Count > 0)
        {
            value.AnnotateAsJson(DcpAnnotations.ServiceProducer, produced);
        }
    }
}
