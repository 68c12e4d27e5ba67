using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// A connection that is reset in the moment in which it is made is a failed request like any other. The platform's handler asks the new socket
/// for the address of its other side, and lets the <see cref="SocketException"/> that it gets through as it is, where whoever sends a request
/// looks for a <see cref="HttpRequestException"/>: a publish was answered with 500, and a probe ended its loop.
/// </summary>
internal sealed class CutConnectionHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>For what parts of the cluster ask each other: through no proxy that the environment names, and nowhere that an answer names.</summary>
    public static CutConnectionHandler Direct() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (SocketException exception)
        {
            // Nothing was sent: the connection counts as one that could not be made.
            throw new HttpRequestException(HttpRequestError.ConnectionError, exception.Message, exception);
        }
    }
}
