namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Exit codes by which a service tells whatever runs it why it ended. 0 is an ordinary stop.</summary>
public static class ExitCodes
{
    /// <summary>The operator asked for a new process (rolling reload). Start it again at once.</summary>
    public const int Restart = 86;

    /// <summary>The memory guard ended the process. Start it again at once; it did not crash.</summary>
    public const int MemoryGuard = 87;
}
