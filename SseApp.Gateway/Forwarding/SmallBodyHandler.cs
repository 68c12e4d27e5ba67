namespace SseApp.Gateway.Forwarding;

/// <summary>
/// Sends head and body of a small request in one write. YARP flushes the head before it reads the body, for the sake of
/// requests whose body waits for an answer; for a publish that is a second write, a second wake-up of the replica, and a
/// body that is not there yet when the replica looks for it.
/// </summary>
internal sealed class SmallBodyHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    // A client that sends slowly holds the head back until here. What exceeds the connection's buffer (4 KiB) is sent at once anyway.
    private const int MaxBytes = 16 * 1024;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is { Headers.ContentLength: > 0 and <= MaxBytes and var length } body)
        {
            request.Content = new SmallBody(body, length);
        }

        return base.SendAsync(request, cancellationToken);
    }
}

/// <summary>A body whose length is known, written without the flush that it asks for first.</summary>
internal sealed class SmallBody : HttpContent
{
    private readonly HttpContent _body;
    private readonly long _length;

    public SmallBody(HttpContent body, long length)
    {
        _body = body;
        _length = length;
        foreach (var (name, values) in body.Headers.NonValidated)
        {
            if (values.Count == 1)
            {
                Headers.TryAddWithoutValidation(name, values.ToString());
            }
            else
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _body.CopyToAsync(new FirstFlushSkipped(stream), context, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>Passes on what is written to it, and every flush but the first.</summary>
internal sealed class FirstFlushSkipped(Stream inner) : WriteOnlyStream
{
    private bool _skipped;

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_skipped)
        {
            return inner.FlushAsync(cancellationToken);
        }

        _skipped = true;
        return Task.CompletedTask;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);
}
