namespace SseApp.Gateway.Requests;

/// <summary>A response's body, for what stands between it and who writes to it.</summary>
internal abstract class ResponseBodyStream(Stream inner) : WriteOnlyStream
{
    protected Stream Inner => inner;

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);
}
