using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A .NET project.</summary>
[DebuggerDisplay("Name = {Name}")]
public class ProjectResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    /// <summary>The endpoint named by the launch profile for https, if any; the runtime reads its certificate's port from a variable of its own.</summary>
    internal EndpointAnnotation? DefaultHttpsEndpoint { get; set; }

    /// <summary>Endpoints whose ports do not go into <c>ASPNETCORE_URLS</c>.</summary>
    internal Func<EndpointAnnotation, bool> EndpointEnvironmentFilter { get; set; } = static _ => true;
}
