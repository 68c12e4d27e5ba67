using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Requests;

/// <summary>A body in the place of the server's that knows whether all of it has come.</summary>
internal interface IBodyProgress
{
    bool IsWhole { get; }
}

/// <summary>What clients still have to send.</summary>
internal static class RequestBodies
{
    /// <summary>Whether the request has a body, or has begun to have one.</summary>
    public static bool MayCome(HttpContext context) => context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    /// <summary>
    /// True while the client has not sent the whole body that it began: whoever waits then, waits for the client. It is asked
    /// only when something failed, so that a body that arrives costs nothing more.
    /// </summary>
    public static bool IsOwed(HttpContext context)
    {
        if (!MayCome(context))
        {
            return false;
        }

        if (context.Request.Body is IBodyProgress progress)
        {
            return !progress.IsWhole;
        }

        try
        {
            return !UnreadBodies.IsWhole(context.Request.BodyReader);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The body is wrong, or somebody is still waiting for it.
            return true;
        }
    }

    /// <summary>
    /// Lets nobody see the body of the request, which the server then throws away when the request has been answered: it means nothing
    /// (RFC 9110, 9.3.1), and who waited for it would wait for the client.
    /// </summary>
    public static void Ignore(HttpContext context)
    {
        context.Features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
        context.Request.Headers.ContentLength = null;
        context.Request.Headers.TransferEncoding = default;
    }

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}
