namespace Aspire.Hosting.ApplicationModel;

/// <summary>The launch profile that the AppHost's author chose for a project.</summary>
public sealed class LaunchProfileAnnotation(string launchProfileName) : IResourceAnnotation
{
    public string LaunchProfileName { get; } = launchProfileName ?? throw new ArgumentNullException(nameof(launchProfileName));
}
