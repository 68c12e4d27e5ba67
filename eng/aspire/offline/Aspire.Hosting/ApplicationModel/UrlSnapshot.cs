using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A URL of the resource. <paramref name="Name"/> is the endpoint's name.</summary>
[DebuggerDisplay("{Url}", Name = "{Name}")]
public sealed record UrlSnapshot(string? Name, string Url, bool IsInternal)
{
    /// <summary>Whether the URL cannot be reached yet.</summary>
    public bool IsInactive { get; init; }

    public UrlDisplayPropertiesSnapshot DisplayProperties { get; init; } = new();
}
