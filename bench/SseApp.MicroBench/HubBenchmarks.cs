using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Events.Log;
using SseApp.Events.Streams;
using SseApp.Events.Topics;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.MicroBench;

/// <summary>
/// From the topic's channel to the writers of its streams: hub, shard, encoding, without Redis and without sockets.
/// Time and allocation are of one delivery.
/// </summary>
[MemoryDiagnoser]
public class HubBenchmarks
{
    private const int Events = 64;
    private const int Streams = 1_000;
    private readonly ManualLog _log = new();
    private readonly CountingWriter _writer = new();
    private WebApplication? _app;
    private byte[][] _messages = [];
    private long _offset;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<EventsMetrics>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ITopicLog>(_log);
        builder.Services.Configure<CredentialOptions>(static options => options.Issuers.Add(new IssuerOptions { Issuer = "bench", Audience = "bench", Key = new string('k', TokenIssuer.MinKeyBytes) }));
        builder.Services.AddSingleton<Revocations>();
        builder.Services.AddSingleton<CredentialService>();
        builder.AddStreaming();
        _app = builder.Build();
        var hub = await _app.Services.GetRequiredService<TopicHubs>().AcquireAsync("bench", TimeSpan.FromSeconds(5), CancellationToken.None);
        var shards = _app.Services.GetRequiredService<ShardSet>();
        var topics = new TopicSet(["bench"]);
        // Each delivery looks whether the token of its stream has ended.
        var principal = new Principal { Kind = CredentialKind.Token, Key = "bench", Issuer = "bench", ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1), Grants = Grants.None };
        for (var i = 0; i < Streams; i++)
        {
            var index = shards.NextIndex();
            var shard = shards.All[index];
            new StreamConnection(_writer, shard, topics, [hub.MembersIn(index)], null, "{}"u8.ToArray()) { Credential = StreamCredential.Create(principal, TimeProvider.System) }.Open();
        }

        _writer.Wait(Streams);
        _messages = new byte[Events][];
    }

    [GlobalCleanup]
    public async Task CleanupAsync() => await _app!.DisposeAsync();

    /// <summary>What Redis hands over; it belongs to the publish, not to the deliveries.</summary>
    [IterationSetup]
    public void Receive()
    {
        for (var i = 0; i < Events; i++)
        {
            _messages[i] = Encoding.ASCII.GetBytes($"2 {ManualLog.Epoch} {++_offset} 1700000000000000 1700000000000000\nevent: update\ndata: {new string('x', 100)}\n\n");
        }
    }

    [Benchmark(OperationsPerInvoke = Events * Streams)]
    public void Publish()
    {
        var goal = _writer.Frames + ((long)Events * Streams);
        foreach (var message in _messages)
        {
            _log.Carry(LogEntry.Parse(message)!);
        }

        _writer.Wait(goal);
    }
}
