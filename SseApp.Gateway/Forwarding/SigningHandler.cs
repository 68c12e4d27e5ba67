using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Gateway.Forwarding;

/// <summary>Signs requests to replicas in the moment in which they are sent: transforms may change address and method until then.</summary>
internal sealed class SigningHandler(RequestSignature signature, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Options.TryGetValue(SignatureWanted.Key, out var wanted))
        {
            signature.Sign(request, wanted.Replica, wanted.Purpose);
        }

        return base.SendAsync(request, cancellationToken);
    }
}
