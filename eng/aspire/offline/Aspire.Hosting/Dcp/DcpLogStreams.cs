namespace Aspire.Hosting.Dcp;

/// <summary>The <c>source</c> values of the engine's log subresource.</summary>
internal static class DcpLogStreams
{
    public const string StartupStdOut = "startup_stdout";
    public const string StartupStdErr = "startup_stderr";
    public const string StdOut = "stdout";
    public const string StdErr = "stderr";

    /// <summary>What the engine itself says about the object, tab-separated: time, level, category, message, JSON.</summary>
    public const string System = "system";
}
