using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds and configures projects.</summary>
public static class ProjectResourceBuilderExtensions
{
    /// <summary>Adds a project that the AppHost references; the build generates <typeparamref name="TProject"/>.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, [ResourceName] string name)
        where TProject : IProjectMetadata, new()
        => builder.AddProject<TProject>(name, static _ => { });

    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="launchProfileName">The launch profile; none when null.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, [ResourceName] string name, string? launchProfileName)
        where TProject : IProjectMetadata, new()
        => builder.AddProject<TProject>(name, options => SetLaunchProfile(options, launchProfileName));

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, [ResourceName] string name, Action<ProjectResourceOptions> configure)
        where TProject : IProjectMetadata, new()
        => Add(builder, name, new TProject(), configure);

    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="projectPath">The project file or its folder, absolute or relative to the AppHost's folder.</param>
    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, [ResourceName] string name, string projectPath)
        => builder.AddProject(name, projectPath, static _ => { });

    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, [ResourceName] string name, string projectPath, string? launchProfileName)
        => builder.AddProject(name, projectPath, options => SetLaunchProfile(options, launchProfileName));

    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, [ResourceName] string name, string projectPath, Action<ProjectResourceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(projectPath);
        return Add(builder, name, new ProjectMetadata(FindProject(Path.GetFullPath(projectPath, builder.AppHostDirectory))), configure);
    }

    /// <summary>Runs several instances behind one address.</summary>
    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
        => builder.WithAnnotation(new ReplicaAnnotation(replicas));

    /// <summary>Leaves <c>ASPNETCORE_FORWARDEDHEADERS_ENABLED</c> out when the project is published.</summary>
    public static IResourceBuilder<ProjectResource> DisableForwardedHeaders(this IResourceBuilder<ProjectResource> builder)
        => builder.WithAnnotation(new DisableForwardedHeadersAnnotation(), ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Chooses the endpoints that go into variables such as <c>ASPNETCORE_URLS</c>.</summary>
    public static IResourceBuilder<ProjectResource> WithEndpointsInEnvironment(this IResourceBuilder<ProjectResource> builder, Func<EndpointAnnotation, bool> filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var before = builder.Resource.EndpointEnvironmentFilter;
        builder.Resource.EndpointEnvironmentFilter = endpoint => before(endpoint) && filter(endpoint);
        return builder;
    }

    private static IResourceBuilder<ProjectResource> Add(IDistributedApplicationBuilder builder, string name, IProjectMetadata metadata, Action<ProjectResourceOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ProjectResourceOptions();
        configure(options);
        return ProjectDefaults.Apply(builder.AddResource(new ProjectResource(name)).WithAnnotation(metadata), options);
    }

    private static void SetLaunchProfile(ProjectResourceOptions options, string? launchProfileName)
    {
        options.ExcludeLaunchProfile = launchProfileName is null;
        options.LaunchProfileName = launchProfileName;
    }

    private static string FindProject(string path)
    {
        if (!Directory.Exists(path))
        {
            return path;
        }

        var projects = Directory.GetFiles(path, "*.csproj");
        return projects is [var project]
            ? project
            : throw new DistributedApplicationException($"The folder '{path}' has {projects.Length} project files; name the one to run.");
    }
}
