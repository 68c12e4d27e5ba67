namespace Aspire.Hosting.ApplicationModel;

/// <summary>A program started as a process.</summary>
public class ExecutableResource : Resource, IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    public ExecutableResource(string name, string command, string workingDirectory)
        : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        ArgumentNullException.ThrowIfNull(workingDirectory);
#pragma warning disable MA0056 // Nothing that derives may move the annotations elsewhere before it is constructed.
        Annotations.Add(new ExecutableAnnotation { Command = command, WorkingDirectory = workingDirectory });
#pragma warning restore MA0056
    }

    public string Command => Annotation.Command;

    public string WorkingDirectory => Annotation.WorkingDirectory;

    private ExecutableAnnotation Annotation => Annotations.OfType<ExecutableAnnotation>().Last();
}
