using System.Net.Sockets;
using StackExchange.Redis;

namespace SseApp.Bench.Subjects;

/// <summary>Redis alone, given the replica's script in pipelined calls of many events: what a publish cannot do without. Only single publishes are measured.</summary>
internal sealed class RedisScriptSubject(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    public const string Id = "redis-script";

    // As many as there are publishers.
    private const int Together = 64;
    private const int Calls = 2;

    public override string Name => Id;

    public override string Description => $"{RedisDescription} alone: the replica's publish.lua, {Calls} calls of {Together} events under way; with streams, a subscriber to all topics";

    public override bool IsPart => true;

    public override string? Missing() => RedisMissing;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken) => Target.Other(await StartRedisAsync(cancellationToken));

    /// <param name="topics">Topics that are published to in turn.</param>
    /// <param name="subscribers">Connections that subscribe to all of them, as a replica does for its streams.</param>
    /// <param name="warmUp">Before it is measured.</param>
    /// <param name="duration">For how long it is.</param>
    /// <param name="target">Where it is, from <see cref="StartAsync"/>.</param>
    public async Task<(double PerSecond, double Cpu)> MeasureAsync(int topics, int subscribers, TimeSpan warmUp, TimeSpan duration, Target target)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{target.Url.Port}");
        var load = new ScriptLoad(redis, ScriptLoad.Read(Workspace), topics, Together);
        var listening = Enumerable.Range(0, subscribers).Select(_ => Subscribe(target.Url.Port, load.Channels)).ToList();
        try
        {
            await load.RunAsync(Calls, warmUp);
            var cpu = Processes().ExactCpuMicroseconds;
            var started = Stopwatch.GetTimestamp();
            var events = await load.RunAsync(Calls, duration);
            return (events / Stopwatch.GetElapsedTime(started).TotalSeconds, (Processes().ExactCpuMicroseconds - cpu) / events);
        }
        finally
        {
            listening.ForEach(socket => socket.Dispose());
        }
    }

    /// <summary>Reads all of it and looks at nothing.</summary>
    private static Socket Subscribe(int port, IReadOnlyCollection<string> channels)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        var reader = new Thread(() =>
        {
            var buffer = new byte[256 * 1024];
            try
            {
                while (socket.Receive(buffer) > 0)
                {
                    // Nobody wants it.
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It was measured.
            }
        })
        { IsBackground = true };
        reader.Start();
        var command = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{channels.Count + 1}\r\n$9\r\nSUBSCRIBE\r\n");
        foreach (var channel in channels)
        {
            command.Append(CultureInfo.InvariantCulture, $"${channel.Length}\r\n{channel}\r\n");
        }

        socket.Send(Encoding.ASCII.GetBytes(command.ToString()));
        return socket;
    }
}
