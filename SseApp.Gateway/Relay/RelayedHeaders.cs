using System.Net;

namespace SseApp.Gateway.Relay;

/// <summary>Carries the headers of a response whose body comes another way.</summary>
internal sealed class RelayedHeaders : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        throw new NotSupportedException("The body comes over the relay connection.");

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
