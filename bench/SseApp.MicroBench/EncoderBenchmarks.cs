using System.Text;
using BenchmarkDotNet.Attributes;
using SseApp.Events.Log;

namespace SseApp.MicroBench;

/// <summary>Encoding one event, done once at its publisher, and reading it, done once by each replica with streams of its topic.</summary>
[MemoryDiagnoser]
public class EncoderBenchmarks
{
    private byte[] _data = [];
    private byte[] _entry = [];

    /// <summary>Bytes of data.</summary>
    [Params(100, 4_096)]
    public int Size { get; set; }

    /// <summary>Lines that the data is split into.</summary>
    [Params(1, 10)]
    public int Lines { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _data = new byte[Size];
        Array.Fill(_data, (byte)'x');
        for (var line = 1; line < Lines; line++)
        {
            _data[line * Size / Lines] = (byte)'\n';
        }

        _entry = [.. Encoding.ASCII.GetBytes($"2 {ManualLog.Epoch} 123456 1700000000000000 1700000000000000\n"), .. Encode()];
    }

    [Benchmark]
    public byte[] Encode() => SseEncoder.Encode("update", _data);

    [Benchmark]
    public object? Read() => LogEntry.Parse(_entry);
}
