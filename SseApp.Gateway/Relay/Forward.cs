using System.Runtime.InteropServices;

namespace SseApp.Gateway.Relay;

/// <summary>What YARP asks its forwarder to do.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Forward(
    HttpContext Context,
    string DestinationPrefix,
    HttpMessageInvoker HttpClient,
    ForwarderRequestConfig? Config,
    HttpTransformer Transformer,
    CancellationToken Cancellation)
{
    private static readonly TimeSpan s_defaultTimeout = TimeSpan.FromSeconds(100);

    /// <summary>How long a replica may take for the head of an answer.</summary>
    public TimeSpan Timeout => Config?.ActivityTimeout ?? s_defaultTimeout;

    public ValueTask<ForwarderError> SendAsync(IHttpForwarder to) =>
        to.SendAsync(Context, DestinationPrefix, HttpClient, Config!, Transformer, Cancellation);
}
