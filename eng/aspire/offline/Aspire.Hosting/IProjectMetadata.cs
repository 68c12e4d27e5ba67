using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Where a project is. The build generates an implementation for each project the AppHost references.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    /// <summary>The full path of the project file.</summary>
    string ProjectPath { get; }

    /// <summary>The launch settings; read from <c>Properties/launchSettings.json</c> when null.</summary>
    LaunchSettings? LaunchSettings => null;

    /// <summary>Whether the project is started without building it first.</summary>
    bool SuppressBuild => true;
}
