namespace Aspire.Hosting.ApplicationModel;

/// <summary>The states with a meaning to the orchestrator and the dashboard.</summary>
public static class KnownResourceStates
{
    public static readonly string Hidden = nameof(Hidden);
    public static readonly string Starting = nameof(Starting);
    public static readonly string Running = nameof(Running);
    public static readonly string FailedToStart = nameof(FailedToStart);
    public static readonly string RuntimeUnhealthy = nameof(RuntimeUnhealthy);
    public static readonly string Stopping = nameof(Stopping);
    public static readonly string Exited = nameof(Exited);
    public static readonly string Finished = nameof(Finished);
    public static readonly string Waiting = nameof(Waiting);
    public static readonly string NotStarted = nameof(NotStarted);
    public static readonly string ValueMissing = nameof(ValueMissing);
    public static readonly string Active = nameof(Active);

    /// <summary>The states a resource stays in until somebody starts it again.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];

    internal static bool IsNotStarted(string? state) => state is null || state == NotStarted;
}
