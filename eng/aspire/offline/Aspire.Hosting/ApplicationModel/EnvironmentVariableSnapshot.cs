using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An environment variable; from the application model or inherited.</summary>
[DebuggerDisplay("{Value}", Name = "{Name}")]
public sealed record EnvironmentVariableSnapshot(string Name, string? Value, bool IsFromSpec);
