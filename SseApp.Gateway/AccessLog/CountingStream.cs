using SseApp.Gateway.Requests;

namespace SseApp.Gateway.AccessLog;

internal sealed class CountingStream(Stream inner, ResponseTraffic traffic) : ResponseBodyStream(inner)
{
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        base.Write(buffer);
        traffic.Add(buffer);
    }

    // Counted before it is sent, so that no state machine is needed around each write; a write that fails ends the request.
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        traffic.Add(buffer.Span);
        return Inner.WriteAsync(buffer, cancellationToken);
    }
}
