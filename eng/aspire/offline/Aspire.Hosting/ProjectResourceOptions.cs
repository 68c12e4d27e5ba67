namespace Aspire.Hosting;

/// <summary>Options of <c>AddProject</c>.</summary>
public class ProjectResourceOptions
{
    /// <summary>The launch profile; the AppHost's own, else the first one, when null.</summary>
    public string? LaunchProfileName { get; set; }

    public bool ExcludeLaunchProfile { get; set; }

    /// <summary>Leaves out the endpoints of the <c>Kestrel</c> configuration section.</summary>
    public bool ExcludeKestrelEndpoints { get; set; }
}
