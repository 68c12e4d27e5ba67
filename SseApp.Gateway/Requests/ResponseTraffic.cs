namespace SseApp.Gateway.Requests;

/// <summary>
/// What has been sent of one response. The access log's is a feature of the request while it is on: code that writes to the
/// connection beside the response's body reports there.
/// </summary>
internal sealed class ResponseTraffic
{
    public long Bytes { get; private set; }

    /// <summary>Null where nobody counted events.</summary>
    public long? Events { get; private set; }

    public void Add(long bytes) => Bytes += bytes;

    /// <summary>What was written beside the response's body.</summary>
    public void AddStream(long bytes, long events)
    {
        Bytes += bytes;
        Events = (Events ?? 0) + events;
    }
}

/// <summary>The response's body with its bytes counted. Nothing is buffered or copied.</summary>
internal sealed class CountingStream(Stream inner, ResponseTraffic traffic) : ResponseBodyStream(inner)
{
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        base.Write(buffer);
        traffic.Add(buffer.Length);
    }

    // Counted before it is sent, so that no state machine is needed around each write; a write that fails ends the request.
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        traffic.Add(buffer.Length);
        return Inner.WriteAsync(buffer, cancellationToken);
    }
}

/// <summary>A response's body with a <see cref="CountingStream"/>.</summary>
internal sealed class CountingBody(IHttpResponseBodyFeature body, ResponseTraffic traffic)
    : StreamResponseBodyFeature(new CountingStream(body.Stream, traffic), body)
{
    /// <summary>Counts what is sent of a response.</summary>
    public static async Task CountAsync(HttpContext context, ResponseTraffic traffic, RequestDelegate next)
    {
        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Features.Set<IHttpResponseBodyFeature>(new CountingBody(body, traffic));
        try
        {
            await next(context);
            // The server flushes its own pipe at the end; this one it does not know.
            if (context.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 } pipe)
            {
                await pipe.FlushAsync(CancellationToken.None);
            }
        }
        finally
        {
            context.Features.Set(body);
        }
    }

    // The platform's ends its own pipe only, and YARP ends gRPC responses by this.
    public override async Task CompleteAsync()
    {
        await base.CompleteAsync();
        await PriorFeature!.CompleteAsync();
    }
}
