namespace Aspire.Hosting.ApplicationModel;

/// <summary>The launch profile used when a project names none: the one the AppHost itself runs with.</summary>
public sealed class DefaultLaunchProfileAnnotation(string launchProfileName) : IResourceAnnotation
{
    public string LaunchProfileName { get; } = launchProfileName ?? throw new ArgumentNullException(nameof(launchProfileName));
}
