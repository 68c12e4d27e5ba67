using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds and configures executables.</summary>
public static class ExecutableResourceBuilderExtensions
{
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="command">The program.</param>
    /// <param name="workingDirectory">Absolute, or relative to the AppHost's folder.</param>
    /// <param name="args">Its arguments.</param>
    public static IResourceBuilder<ExecutableResource> AddExecutable(this IDistributedApplicationBuilder builder, [ResourceName] string name, string command, string workingDirectory, params string[]? args)
        => builder.AddExecutable(name, command, workingDirectory, (object[]?)args);

    public static IResourceBuilder<ExecutableResource> AddExecutable(this IDistributedApplicationBuilder builder, [ResourceName] string name, string command, string workingDirectory, params object[]? args)
    {
        var directory = Path.GetFullPath(workingDirectory, builder.AppHostDirectory);
        var executable = builder.AddResource(new ExecutableResource(name, command, directory)).WithOtlpExporter();
        return args is null or [] ? executable : executable.WithArgs(args);
    }

    public static IResourceBuilder<T> WithCommand<T>(this IResourceBuilder<T> builder, string command)
        where T : ExecutableResource
    {
        builder.Resource.Annotations.OfType<ExecutableAnnotation>().Last().Command = command;
        return builder;
    }

    public static IResourceBuilder<T> WithWorkingDirectory<T>(this IResourceBuilder<T> builder, string workingDirectory)
        where T : ExecutableResource
    {
        builder.Resource.Annotations.OfType<ExecutableAnnotation>().Last().WorkingDirectory = Path.GetFullPath(workingDirectory, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }
}
