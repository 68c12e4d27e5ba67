using System.Diagnostics;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// How many threads the process may have (<c>pids.max</c> of its control groups: <c>--pids-limit</c>, <c>podPidsLimit</c>, <c>TasksMax=</c>).
/// The runtime's pool takes as many as it thinks that it needs, and where it gets none the process ends with "Out of memory." and all its streams.
/// </summary>
/// <param name="Limit">Most threads of all processes of the group.</param>
/// <param name="Room">Those that this process may have, the ones of others taken off.</param>
/// <param name="Processors">Cores that it uses; the pool does with no fewer threads.</param>
internal sealed record ThreadLimit(long Limit, long Room, int Processors)
{
    // Counted were 16 that are none of the pool: of the runtime, the server's sockets and timers, and the log.
    private const int Others = 24;

    // Collecting garbage takes up to two more for each core, when there is much of it.
    private const int ForGarbage = 2;

    /// <summary>Null where nothing limits them.</summary>
    public static ThreadLimit? Read(ControlGroup group)
    {
        if (group.Threads is not var (limit, used))
        {
            return null;
        }

        using var process = Process.GetCurrentProcess();
        return new ThreadLimit(limit, limit - used + process.Threads.Count, Environment.ProcessorCount);
    }

    /// <summary>Why the process cannot start, or null.</summary>
    public string? TooFew => Room < Processors + Others
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"The process may have {Math.Max(Room, 0)} threads (pids.max is {Limit}, for all processes of its container); this service needs at least {Processors + Others} with {Processors} processors. Raise it (--pids-limit, podPidsLimit, TasksMax=), or give it fewer processors.")
        : null;

    /// <summary>Threads that the pool may have.</summary>
    public int ForPool => (int)Math.Clamp(Room - Others - (ForGarbage * Processors), Processors, short.MaxValue);

    /// <summary>What to know of it, or null when it is no bound in practice.</summary>
    public string? Warning => Room < Others + ((ForGarbage + 1L) * Processors)
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"The process may have {Room} threads (pids.max is {Limit}, for all processes of its container), which is few for {Processors} processors: under load it may end with 'Out of memory.'. Let it have {Others + ((ForGarbage + 1) * Processors)} (--pids-limit, podPidsLimit, TasksMax=), or give it fewer processors.")
        : null;

    /// <summary>Keeps the pool within the limit.</summary>
    public void Bound()
    {
        ThreadPool.GetMaxThreads(out var workers, out var ports);
        if (ForPool < workers)
        {
            ThreadPool.SetMaxThreads(ForPool, ports);
        }
    }
}
