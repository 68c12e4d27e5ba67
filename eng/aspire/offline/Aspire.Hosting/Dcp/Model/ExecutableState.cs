namespace Aspire.Hosting.Dcp.Model;

internal static class ExecutableState
{
    public const string Finished = "Finished";
    public const string Terminated = "Terminated";
    public const string FailedToStart = "FailedToStart";

    public static bool IsFinal(string? state) => state is Finished or Terminated or FailedToStart;
}
