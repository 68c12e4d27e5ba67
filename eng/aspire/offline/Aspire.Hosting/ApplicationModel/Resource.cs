using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Base class of resources.</summary>
[DebuggerDisplay("Type = {GetType().Name,nq}, Name = {Name}")]
public abstract class Resource : IResource
{
    /// <summary>Creates the resource.</summary>
    /// <param name="name">1–64 ASCII letters, digits and hyphens; begins with a letter; no trailing or doubled hyphen.
    /// Checked when the resource is added to a builder.</param>
    protected Resource(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <inheritdoc />
    public virtual string Name { get; }

    /// <inheritdoc />
    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}
