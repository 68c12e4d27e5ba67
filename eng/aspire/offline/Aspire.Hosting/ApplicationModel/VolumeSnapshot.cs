using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A mounted volume or directory.</summary>
[DebuggerDisplay("{Source}", Name = "{Target}")]
public sealed record VolumeSnapshot(string? Source, string Target, string MountType, bool IsReadOnly);
