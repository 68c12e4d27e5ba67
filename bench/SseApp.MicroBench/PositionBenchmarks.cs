using BenchmarkDotNet.Attributes;
using SseApp.Events.Log;

namespace SseApp.MicroBench;

/// <summary>The id of an event: written for every delivery, read at every reconnect.</summary>
[MemoryDiagnoser]
public class PositionBenchmarks
{
    private readonly byte[] _buffer = new byte[PositionCodec.MaxLength(64)];
    private TopicSet _topics = new([]);
    private Position[] _positions = [];
    private MarkedPosition[] _decoded = [];
    private string _id = "";

    /// <summary>Topics of the connection.</summary>
    [Params(1, 4, 16)]
    public int Topics { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _topics = new TopicSet(Enumerable.Range(0, Topics).Select(topic => $"topic-{topic}"));
        _positions = [.. Enumerable.Range(1, Topics).Select(topic => new Position(new Epoch((ulong)topic * 7_919_000), topic * 104_729L))];
        _decoded = new MarkedPosition[Topics];
        _id = PositionCodec.Encode(_topics, _positions);
    }

    [Benchmark]
    public int Encode() => PositionCodec.Encode(_topics, _positions, _buffer);

    [Benchmark]
    public bool Decode() => PositionCodec.TryDecode(_id, _topics, _decoded);
}
