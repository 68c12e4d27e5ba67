using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>Sends the head of the response and picks the fastest writer that is right for the connection.</summary>
internal sealed class StreamWriterFactory(IOptions<StreamTransportOptions> options, IOptions<SocketTransportOptions> transport)
{
    // Only with this limit does a flush of Kestrel's pipe complete when the pipe is empty, and not before.
    private readonly bool _direct = options.Value.DirectSocketWrites && transport.Value.MaxWriteBufferSize == StreamTransport.MaxWriteBufferSize;

    /// <param name="context">The request.</param>
    /// <param name="more">Bytes of the stream follow at once, and take the head along: one send instead of two.</param>
    public async ValueTask<IStreamWriter> StartAsync(HttpContext context, bool more = false)
    {
        context.Features.Get<ClientConnection>()?.ExpectStream();
        await context.Response.StartAsync(context.RequestAborted);
        if (context.Features.Get<IStreamWriterFeature>() is { } own)
        {
            return own.CreateWriter();
        }

        if (!more)
        {
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }

        return _direct && PlainSocket(context) is { } socket ? new SocketStreamWriter(context, socket, headWaits: more) : new PipeStreamWriter(context);
    }

    /// <summary>The connection's socket, if exactly what is sent through it is what the client reads as response body.</summary>
    private static Socket? PlainSocket(HttpContext context)
    {
        var features = context.Features;
        var chunked = context.Request.Protocol == "HTTP/1.1" && context.Response.Headers.TransferEncoding == "chunked";
        var encrypted = context.Request.IsHttps || features.Get<ITlsConnectionFeature>() is not null;
        // Kestrel implements these two in one object; a middleware that changes the body has put its own in place of one.
        var unchanged = ReferenceEquals(features.Get<IHttpResponseBodyFeature>(), features.Get<IHttpConnectionFeature>());
        return chunked && !encrypted && unchanged ? features.Get<IConnectionSocketFeature>()?.Socket : null;
    }
}
