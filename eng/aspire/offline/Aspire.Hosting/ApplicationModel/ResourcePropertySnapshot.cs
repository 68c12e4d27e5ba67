using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A named value shown in the resource's details.</summary>
[DebuggerDisplay("{Value}", Name = "{Name}")]
public sealed record ResourcePropertySnapshot(string Name, object? Value)
{
    /// <summary>Whether the dashboard masks the value.</summary>
    public bool IsSensitive { get; init; }
}
