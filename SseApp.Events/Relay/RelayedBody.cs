using SseApp.ServiceDefaults.Relay;
using SseApp.ServiceDefaults.Streaming;

namespace SseApp.Events.Relay;

/// <summary>The body of a relayed response that is no stream of events, such as a refusal.</summary>
internal sealed class RelayedBody(RelayedRequest request, RelayOutput output) : Stream
{
    private const int MaxWrite = 32 * 1024;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await request.StartAsync(cancellationToken);
        while (!buffer.IsEmpty)
        {
            var part = buffer[..Math.Min(buffer.Length, MaxWrite)];
            var bytes = new SendBuffer(part.Length);
            part.Span.CopyTo(bytes.GetSpan(part.Length));
            bytes.Advance(part.Length);
            var sent = output.AppendData(request.Id, bytes);
            if (!sent.IsCompleted)
            {
                output.Flush();
            }

            if (!await sent.AsTask().WaitAsync(cancellationToken))
            {
                throw new IOException("The gateway is gone.");
            }

            buffer = buffer[part.Length..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await request.StartAsync(cancellationToken);
        output.Flush();
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Synchronous writes are not allowed.");

    public override void Flush() => throw new NotSupportedException("Synchronous writes are not allowed.");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
