using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A state and its style, one of <see cref="KnownResourceStateStyles"/>.</summary>
[DebuggerDisplay("{Text}")]
public sealed record ResourceStateSnapshot(string Text, string? Style)
{
    public static implicit operator ResourceStateSnapshot?(string? s) => s is null ? null : new(s, Style: null);
}
