namespace SseApp.Cli.Sizing;

/// <summary>What it takes.</summary>
internal sealed record SizingResult
{
    public required SizingInput Input { get; init; }

    /// <summary>Events times the streams that get them.</summary>
    public required double DeliveriesPerSecond { get; init; }

    /// <summary>Sends to streams: fewer than deliveries where several events go out together.</summary>
    public required double WritesPerSecond { get; init; }

    /// <summary>Of all replicas and Redis, with the safety factor.</summary>
    public required double ReplicaCores { get; init; }

    /// <summary>Of all gateways, with the safety factor.</summary>
    public required double GatewayCores { get; init; }

    /// <summary>With the one that may be lost.</summary>
    public required int Replicas { get; init; }

    /// <summary>With the one that may be lost.</summary>
    public required int Gateways { get; init; }

    public required int CoresOfInstance { get; init; }

    /// <summary>Of one replica.</summary>
    public required long ReplicaMemoryBytes { get; init; }

    /// <summary>Of one gateway, with its sockets in the kernel.</summary>
    public required long GatewayMemoryBytes { get; init; }

    public required int Machines { get; init; }

    public required int CoresOfMachine { get; init; }

    public required long MachineMemoryBytes { get; init; }

    /// <summary>For <c>maxmemory</c>.</summary>
    public required long RedisMemoryBytes { get; init; }

    /// <summary>Of Redis' machine, and of that of its replica.</summary>
    public required long RedisMachineMemoryBytes { get; init; }

    /// <summary>To all clients together.</summary>
    public required double NetworkMegabitsPerSecond { get; init; }

    /// <summary>Until the streams of a replica that was lost are open again, at least.</summary>
    public required double ReconnectSeconds { get; init; }

    /// <summary>Limit of open files of a gateway (<c>LimitNOFILE</c>, <c>ulimit -n</c>).</summary>
    public required long OpenFiles { get; init; }

    /// <summary><c>net.core.somaxconn</c>.</summary>
    public required long Somaxconn { get; init; }

    /// <summary>What the connections of a gateway may need of <c>net.ipv4.tcp_mem</c> (its third number), in pages of 4 KiB.</summary>
    public required long TcpMemPages { get; init; }
}
