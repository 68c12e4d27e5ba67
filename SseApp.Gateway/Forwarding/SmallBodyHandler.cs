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
