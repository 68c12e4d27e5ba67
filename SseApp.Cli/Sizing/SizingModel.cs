namespace SseApp.Cli.Sizing;

/// <summary>
/// How much of everything a number of users needs. The only place of these numbers and formulas: <c>sse size</c> prints what it says.
/// <para>
/// Replicas and gateways have <see cref="CoresOfInstance"/> cores each and machines <see cref="CoresOfMachine"/>; of each kind there is one more than the load
/// needs, because one may be lost or be replaced at the busiest moment.
/// </para>
/// </summary>
internal static class SizingModel
{
    public static readonly SizingConstant SafetyFactor = new(
        "Safety factor", 2, "", "assumed: half of each processor is left for reconnects after a loss, for garbage collection, and because cores do not add up evenly; all was measured on one");

    public static readonly SizingConstant ReplicaWrite = new(
        "CPU of replica and Redis for a write to one stream", 13.3, "µs", "RESULTS.md, equal load: sseapp, 20 events/s to 1 000 streams");

    public static readonly SizingConstant GatewayWrite = new(
        "CPU that the gateway adds to it", 3.6, "µs", "RESULTS.md, 4 events/s: sseapp-gateway (16.50) less sseapp (12.89); 3.3 in the table of proxies");

    public static readonly SizingConstant ReplicaEvent = new(
        "CPU of the replica for each further event of the same write", 0.08, "µs", "RESULTS.md, saturated: sseapp");

    public static readonly SizingConstant GatewayEvent = new(
        "CPU that the gateway adds to it", 0.14, "µs", "RESULTS.md, saturated: sseapp-gateway (0.22) less sseapp (0.08)");

    public static readonly SizingConstant MaxWrites = new(
        "Writes a second to one stream of a busy server", 10, "1/s", "RESULTS.md, saturated, p99 up to 250 ms: sseapp-gateway, 1,406,718 / 5,000 streams / 32 events in flight = 8.8; what waits goes out together");

    public static readonly SizingConstant ReplicaPublish = new(
        "CPU of replica and Redis for one publish", 90, "µs", "RESULTS.md, one POST an event: sseapp, with its one delivery");

    public static readonly SizingConstant GatewayPublish = new(
        "CPU that the gateway adds to it", 168, "µs", "RESULTS.md, one POST an event: sseapp-gateway (258.43) less sseapp (89.94)");

    public static readonly SizingConstant ReplicaStream = new("Memory of a stream in the replica", 11.2, "KiB", "RESULTS.md, idle streams: sseapp");

    public static readonly SizingConstant GatewayStream = new("Memory of a stream in the gateway", 7.2, "KiB", "RESULTS.md, idle streams: sseapp-gateway (18.4) less sseapp (11.2)");

    public static readonly SizingConstant KernelStream = new("Memory of a client's connection in the kernel", 16, "KiB", "assumed: sockets of clients that read; not in the measurements");

    public static readonly SizingConstant ProcessMemory = new("Memory of a replica or a gateway without streams", 256, "MiB", "assumed: 150 MiB of a process that has worked, and room for its heap");

    public static readonly SizingConstant Connects = new("Connects a second and core, through a gateway", 1300, "1/s", "RESULTS.md, connects/s: sseapp-gateway, the least of 1,304 (topics), 1,590 (one topic) and 1,798 (idle), replica included");

    public static readonly SizingConstant StreamsOfReplica = new("Streams of one replica", 50_000, "", "default of Streaming:MaxConnections");

    public static readonly SizingConstant ConnectionsOfGateway = new("Connections of one gateway", 60_000, "", "default of Descriptors:MaxConnections");

    public static readonly SizingConstant EventOverhead = new("Bytes on the wire around the data of an event", 120, "B", "id, field names and line ends about 50; TCP and IP 66 of a segment of its own");

    public static readonly SizingConstant NetworkOfMachine = new("Network of a machine", 5, "Gbit/s", "assumed: half of a 10 Gbit/s card");

    public static readonly SizingConstant LogEvents = new("Events kept for a topic", 1000, "", "default of TopicLog:MaxEvents");

    public static readonly SizingConstant LogOverhead = new("Bytes of Redis around the data of an event", 200, "B", "assumed: an entry of a list with its header");

    public static readonly SizingConstant CoresOfInstance = new("Cores of a replica or a gateway", 2, "", "chosen: a smaller loss when one is lost than with larger ones");

    public static readonly SizingConstant CoresOfMachine = new("Cores of a machine", 4, "", "chosen: two instances; with more cores fewer machines, not fewer instances");

    /// <summary>All of them, in the order of a table.</summary>
    public static readonly IReadOnlyList<SizingConstant> Constants =
    [
        SafetyFactor, ReplicaWrite, GatewayWrite, ReplicaEvent, GatewayEvent, MaxWrites, ReplicaPublish, GatewayPublish, ReplicaStream, GatewayStream, KernelStream,
        ProcessMemory, Connects, StreamsOfReplica, ConnectionsOfGateway, EventOverhead, NetworkOfMachine, LogEvents, LogOverhead, CoresOfInstance, CoresOfMachine,
    ];

    private const double Kibi = 1024;
    private const double Mebi = 1024 * Kibi;

    // What the limits of a process may be used up to while all are there.
    private const double Headroom = 0.8;

    public static SizingResult Calculate(SizingInput input)
    {
        var deliveries = input.EventsPerSecond * input.Users * input.Audience;
        // A stream gets this many events a second, and at most so many of the writes that they are sent in.
        var perStream = input.EventsPerSecond * input.Audience;
        var writes = input.Users * Math.Min(perStream, MaxWrites);
        var further = deliveries - writes;

        var replicaCores = ((writes * ReplicaWrite) + (further * ReplicaEvent) + (input.EventsPerSecond * ReplicaPublish)) / 1e6 * SafetyFactor;
        var gatewayCores = ((writes * GatewayWrite) + (further * GatewayEvent) + (input.EventsPerSecond * GatewayPublish)) / 1e6 * SafetyFactor;
        var neededReplicas = Math.Max(Ceiling(replicaCores / CoresOfInstance), Ceiling(input.Users / (StreamsOfReplica * Headroom)));
        // What a machine sends limits gateways: each is on a machine of its own as far as possible.
        var megabits = deliveries * (input.Bytes + EventOverhead) * 8 / 1e6;
        var neededGateways = Math.Max(
            Math.Max(Ceiling(gatewayCores / CoresOfInstance), Ceiling(input.Users / (ConnectionsOfGateway * Headroom))),
            Ceiling(megabits / (NetworkOfMachine * 1000)));
        var replicas = neededReplicas + 1;
        var gateways = neededGateways + 1;

        // Of one instance, while another one of its kind is lost.
        var replicaMemory = (ProcessMemory * Mebi) + ((double)input.Users / neededReplicas * ReplicaStream * Kibi);
        var gatewayMemory = (ProcessMemory * Mebi) + ((double)input.Users / neededGateways * (GatewayStream + KernelStream) * Kibi);
        var instancesOfMachine = (int)(CoresOfMachine / CoresOfInstance);
        var machines = Math.Max(Math.Max(2, gateways), Ceiling((replicas + gateways) / (double)instancesOfMachine));
        var redisMemory = (100 * Mebi) + (input.Topics * LogEvents * (input.Bytes + LogOverhead));
        var maxMemory = Rounded(redisMemory * SafetyFactor);
        var connectionsOfGateway = Ceiling((double)input.Users / neededGateways);

        return new SizingResult
        {
            Input = input,
            DeliveriesPerSecond = deliveries,
            WritesPerSecond = writes,
            ReplicaCores = Math.Round(replicaCores, 2),
            GatewayCores = Math.Round(gatewayCores, 2),
            Replicas = replicas,
            Gateways = gateways,
            CoresOfInstance = (int)CoresOfInstance.Value,
            ReplicaMemoryBytes = Rounded(replicaMemory),
            GatewayMemoryBytes = Rounded(gatewayMemory),
            Machines = machines,
            CoresOfMachine = (int)CoresOfMachine.Value,
            MachineMemoryBytes = Gibibytes((Math.Max(replicaMemory, gatewayMemory) * instancesOfMachine) + (Mebi * 1024)),
            RedisMemoryBytes = maxMemory,
            // While it rewrites its append-only file it may take twice what it holds.
            RedisMachineMemoryBytes = Gibibytes((maxMemory * 2.0) + (512 * Mebi)),
            NetworkMegabitsPerSecond = Math.Round(megabits, 1),
            ReconnectSeconds = Math.Round((double)input.Users / replicas / (Connects * CoresOfInstance * Math.Max(1, replicas - 1)), 1),
            OpenFiles = Thousands(connectionsOfGateway * 1.25) + 1000,
            Somaxconn = Math.Max(4096, PowerOfTwo(connectionsOfGateway / 16)),
            TcpMemPages = (long)Math.Ceiling(connectionsOfGateway * KernelStream * Kibi * SafetyFactor / 4096),
        };
    }

    private static int Ceiling(double value) => Math.Max(1, (int)Math.Ceiling(value));

    private static long Rounded(double bytes) => (long)(Math.Ceiling(bytes / (64 * Mebi)) * 64 * Mebi);

    // Machines come with powers of two.
    private static long Gibibytes(double bytes) => PowerOfTwo(Math.Max(2, (long)Math.Ceiling(bytes / (1024 * Mebi)))) * (long)(1024 * Mebi);

    private static long Thousands(double value) => (long)Math.Ceiling(value / 1000) * 1000;

    private static long PowerOfTwo(long value) => (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, value));
}
