namespace Aspire.Hosting.ApplicationModel;

/// <summary>The command of an executable resource.</summary>
public sealed class ExecutableAnnotation : IResourceAnnotation
{
    public required string Command { get; set; }

    public required string WorkingDirectory { get; set; }
}
