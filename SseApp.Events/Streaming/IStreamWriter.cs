using System.Buffers;

namespace SseApp.Events.Streaming;

/// <summary>The way to one client. Used by one thread at a time; no write while a flush is under way.</summary>
internal interface IStreamWriter : IBufferWriter<byte>
{
    /// <summary>Sends what was written. Completes at once unless the client reads slower than it is written to.</summary>
    /// <returns>False when the client is gone.</returns>
    ValueTask<bool> FlushAsync();

    /// <summary>Cuts the connection without a clean end; a flush under way then completes.</summary>
    void Abort();
}
