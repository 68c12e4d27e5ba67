namespace Aspire.Hosting.Dcp.Model;

internal static class ContainerState
{
    public const string Exited = "Exited";
    public const string FailedToStart = "FailedToStart";

    public static bool IsFinal(string? state) => state is Exited or FailedToStart;
}
