namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>What the memory guard does about a reading of the working set.</summary>
internal enum MemoryVerdict
{
    /// <summary>Within the limit.</summary>
    Fine,

    /// <summary>Above it, but not yet for long.</summary>
    Wait,

    /// <summary>Collect the garbage, and see what is left.</summary>
    Collect,

    /// <summary>Above the limit for too long.</summary>
    Leave,
}
