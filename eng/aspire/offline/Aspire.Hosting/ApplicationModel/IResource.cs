namespace Aspire.Hosting.ApplicationModel;

/// <summary>One part of the application: a process, a container, a parameter, a connection string.</summary>
public interface IResource
{
    /// <summary>The name, unique (without regard to case) in the application.</summary>
    string Name { get; }

    /// <summary>What is known about the resource.</summary>
    ResourceAnnotationCollection Annotations { get; }
}
