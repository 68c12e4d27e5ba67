using System.Buffers;

namespace SseApp.Events.Http;

/// <summary>A buffer of the pool that counts in the share of its request, which is given back with the request.</summary>
internal sealed class PooledBuffer(MemoryShare memory) : IDisposable
{
    public byte[] Bytes { get; private set; } = [];

    /// <summary>Takes another one.</summary>
    /// <param name="length">So many bytes at least.</param>
    /// <param name="kept">What the other one begins with.</param>
    /// <returns>False, without effect, when there is not so much memory left.</returns>
    public bool TryGrow(int length, ReadOnlySpan<byte> kept = default)
    {
        var larger = ArrayPool<byte>.Shared.Rent(length);
        if (!memory.TryTake(larger.Length))
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }

        kept.CopyTo(larger);
        Release();
        Bytes = larger;
        return true;
    }

    /// <summary>Gives back what it holds before the request is over.</summary>
    public void Release()
    {
        memory.Return(Bytes.Length);
        Dispose();
    }

    public void Dispose()
    {
        if (Bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(Bytes);
            Bytes = [];
        }
    }
}
