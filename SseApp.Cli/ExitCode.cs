namespace SseApp.Cli;

/// <summary>How the program ends. docs/sse-tool.md has the same list.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>It was tried and went wrong, or the cluster is unhealthy.</summary>
    public const int Failed = 1;

    /// <summary>Arguments, variables or files of the caller's are wrong.</summary>
    public const int Usage = 2;

    /// <summary>Nothing answers, or something that is no gateway does.</summary>
    public const int Unreachable = 3;

    /// <summary>The key or the token does not count, or may not do this.</summary>
    public const int Refused = 4;

    /// <summary>There is no such replica, and so on.</summary>
    public const int NotFound = 5;

    /// <summary>Not as things are now: a reload runs, it is the last replica, too much is asked for, Redis is full or away.</summary>
    public const int NotNow = 6;

    /// <summary>Ctrl+C, before it was done.</summary>
    public const int Interrupted = 130;
}
