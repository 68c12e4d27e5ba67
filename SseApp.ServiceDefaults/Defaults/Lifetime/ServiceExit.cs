namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Ends the process as SIGTERM does, drain included, but with an exit code of its own.</summary>
internal sealed class ServiceExit(IHostApplicationLifetime lifetime)
{
    private int _code;

    /// <summary>What <c>Main</c> returns: 0 unless an end was requested with another code.</summary>
    public int Code => Volatile.Read(ref _code);

    /// <summary>Begins the end. Only the first request counts, and none after the stop has begun otherwise.</summary>
    /// <param name="code">One of <see cref="ExitCodes"/>.</param>
    public void Request(int code)
    {
        if (!lifetime.ApplicationStopping.IsCancellationRequested && Interlocked.CompareExchange(ref _code, code, 0) == 0)
        {
            lifetime.StopApplication();
        }
    }
}

/// <summary>Exit codes that say why a service ended, for whatever runs it. 0 is an ordinary stop.</summary>
internal static class ExitCodes
{
    /// <summary>The operator asked for a new process (rolling reload). Start it again at once.</summary>
    public const int Restart = 86;

    /// <summary>The memory guard ended the process. Start it again at once; it did not crash.</summary>
    public const int MemoryGuard = 87;
}
