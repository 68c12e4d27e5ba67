using SseApp.Bench.Generator;

namespace SseApp.Bench.Subjects;

/// <summary>One server, or stack of servers, that the comparison starts, loads and stops.</summary>
internal interface ISubject
{
    /// <summary>Short and stable; <c>--subjects</c> takes it.</summary>
    string Name { get; }

    /// <summary>What it consists of, for the report.</summary>
    string Description { get; }

    /// <summary>True for the product: any loss, duplicate or reordering fails the run.</summary>
    bool IsOurs { get; }

    /// <summary>A proxy stands in front, which holds two sockets a stream.</summary>
    bool Proxied { get; }

    /// <summary>Of interest only where proxies are compared.</summary>
    bool OnlyBehindProxy { get; }

    /// <summary>Publishes pass through Redis.</summary>
    bool UsesRedis { get; }

    /// <summary>A worker can be killed and something restarts it.</summary>
    bool CanLoseWorker { get; }

    /// <summary>How to install what is missing, or null when it can run.</summary>
    string? Missing();

    /// <param name="workers">Worker processes (replicas): one for throughput, two where one is killed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<Target> StartAsync(int workers, CancellationToken cancellationToken);

    /// <summary>The processes whose CPU time and memory count, with all that they started.</summary>
    ProcessTree Processes();

    /// <summary>Kills (SIGKILL) one worker; its supervisor restarts it.</summary>
    Task KillWorkerAsync(CancellationToken cancellationToken);

    Task StopAsync();
}
