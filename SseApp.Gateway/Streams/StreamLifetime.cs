namespace SseApp.Gateway.Streams;

/// <summary>
/// Ends a forwarded stream when the gateway stops, or its replica is lost. The server does not signal
/// <c>RequestAborted</c> at SIGTERM, so a stream would hold the shutdown until its time limit; and YARP aborts the
/// client's connection when a forward is cancelled, so that a truncated answer is not taken for a whole one. An event
/// stream has no whole: its client must see an ordinary end and reconnect, not a reset that may take the last events
/// with it.
/// </summary>
internal sealed class StreamLifetime : IHttpRequestLifetimeFeature, IHttpResetFeature, IDisposable
{
    private readonly HttpContext _context;
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly IHttpResetFeature? _reset;
    private readonly CancellationToken _ending;
    private readonly CancellationTokenSource _ended;

    private StreamLifetime(HttpContext context, IHttpRequestLifetimeFeature lifetime, IHttpResetFeature? reset, CancellationToken ending)
    {
        _context = context;
        _lifetime = lifetime;
        _reset = reset;
        _ending = ending;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(lifetime.RequestAborted, ending);
        RequestAborted = _ended.Token;
    }

    /// <summary>Fires when the client left or the stream is to end.</summary>
    public CancellationToken RequestAborted { get; set; }

    /// <summary>Runs <paramref name="next"/> as a stream that ends when <paramref name="ending"/> fires.</summary>
    public static async Task RunAsync(HttpContext context, RequestDelegate next, CancellationToken ending)
    {
        var lifetime = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        var reset = context.Features.Get<IHttpResetFeature>();
        using var stream = new StreamLifetime(context, lifetime, reset, ending);
        context.Features.Set<IHttpRequestLifetimeFeature>(stream);
        if (reset is not null)
        {
            context.Features.Set<IHttpResetFeature>(stream);
        }

        try
        {
            await next(context);
        }
        finally
        {
            context.Features.Set(lifetime);
            if (reset is not null)
            {
                context.Features.Set(reset);
            }
        }
    }

    public void Dispose() => _ended.Dispose();

    /// <summary>Cuts the client's connection, also when the stream is to end cleanly: the client does not read.</summary>
    public void Cut()
    {
        // The one around it may be ending, too, and would take this for an end of the stream.
        if (_lifetime is StreamLifetime outer)
        {
            outer.Cut();
        }
        else
        {
            _lifetime.Abort();
        }
    }

    void IHttpRequestLifetimeFeature.Abort()
    {
        if (!EndsCleanly)
        {
            _lifetime.Abort();
        }
    }

    void IHttpResetFeature.Reset(int errorCode)
    {
        if (!EndsCleanly)
        {
            _reset!.Reset(errorCode);
        }
    }

    private bool EndsCleanly =>
        _ending.IsCancellationRequested
        && !_lifetime.RequestAborted.IsCancellationRequested
        && _context.Response.ContentType?.StartsWith(EventStreams.ContentType, StringComparison.OrdinalIgnoreCase) == true;
}
