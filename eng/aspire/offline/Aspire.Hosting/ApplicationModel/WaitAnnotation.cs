namespace Aspire.Hosting.ApplicationModel;

/// <summary>The resource's start waits for another one.</summary>
public sealed class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    public IResource Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    public WaitType WaitType { get; } = waitType;

    /// <summary>The exit code that counts as completion.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What to do when the other one fails; null takes the default of <see cref="ResourceNotificationServiceOptions"/>.</summary>
    public WaitBehavior? WaitBehavior { get; init; }
}
