namespace Aspire.Hosting.ApplicationModel;

/// <summary>A volume or host directory in a container.</summary>
public sealed class ContainerMountAnnotation : IResourceAnnotation
{
    public ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly)
    {
        if (type == ContainerMountType.BindMount && string.IsNullOrEmpty(source))
        {
            throw new ArgumentNullException(nameof(source), "Bind mounts must specify a source path.");
        }

        if (type == ContainerMountType.BindMount && !Path.IsPathRooted(source))
        {
            throw new ArgumentException("Bind mounts must specify an absolute path.", nameof(source));
        }

        Source = source;
        Target = target;
        Type = type;
        IsReadOnly = isReadOnly;
    }

    public string? Source { get; }

    public string Target { get; }

    public ContainerMountType Type { get; }

    public bool IsReadOnly { get; }
}
