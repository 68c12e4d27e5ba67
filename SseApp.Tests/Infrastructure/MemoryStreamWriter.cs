using System.Buffers;
using SseApp.Events.Streaming;

namespace SseApp.Tests.Infrastructure;

/// <summary>A client in memory that takes every <paramref name="slowness"/>-th flush a moment later.</summary>
internal sealed class MemoryStreamWriter(int slowness) : IStreamWriter
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _unflushed = new();
    private readonly SseParser _parser = new();
    private readonly List<SseEvent> _events = [];
    private int _flushes;
    private volatile bool _gone;

    public SseEvent[] Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _unflushed.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _unflushed.GetSpan(sizeHint);

    public void Advance(int count) => _unflushed.Advance(count);

    public ValueTask<bool> FlushAsync() => slowness > 0 && ++_flushes % slowness == 0 ? SlowlyAsync() : new ValueTask<bool>(Take());

    public void Abort() => _gone = true;

    private async ValueTask<bool> SlowlyAsync()
    {
        await Task.Yield();
        return Take();
    }

    private bool Take()
    {
        if (_gone)
        {
            return false;
        }

        lock (_gate)
        {
            foreach (var next in _parser.Feed(_unflushed.WrittenSpan))
            {
                if (next.Type != ":")
                {
                    _events.Add(next);
                }
            }
        }

        _unflushed.ResetWrittenCount();
        return true;
    }
}
