namespace SseApp.Events.Relay;

/// <summary>The body of a relayed response that is no stream of events, such as a refusal.</summary>
internal sealed class RelayedBody(RelayServerStream request, RelayOutput output) : WriteOnlyStream
{
    private const int MaxWrite = 32 * 1024;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await request.StartAsync(cancellationToken);
        while (!buffer.IsEmpty)
        {
            var part = buffer[..Math.Min(buffer.Length, MaxWrite)];
            var bytes = new SendBuffer(part.Length);
            part.Span.CopyTo(bytes.GetSpan(part.Length));
            bytes.Advance(part.Length);
            var sent = output.AppendData(request.Id, ref request.Frame, bytes);
            if (!sent.IsCompleted)
            {
                output.Flush();
            }

            if (!await sent.AsTask().WaitAsync(cancellationToken))
            {
                throw new IOException("The gateway has disconnected.");
            }

            buffer = buffer[part.Length..];
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await request.StartAsync(cancellationToken);
        output.Flush();
    }
}
