using System.Net;

namespace SseApp.Gateway.Forwarding;

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
            Headers.TryAddWithoutValidation(name, values);
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
