using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Streams;

/// <summary>Tells the replica, which writes <c>retry:</c>, that this gateway sees a storm: of several replicas each sees only its part.</summary>
internal static class SpreadTransform
{
    public static void Apply(TransformBuilderContext context)
    {
        if (!string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal))
        {
            return;
        }

        var spread = context.Services.GetRequiredService<RetrySpread>();
        context.AddRequestTransform(transform =>
        {
            if (ClientRequest.Of(transform.HttpContext).CountsAsStream && spread.Milliseconds is > 0 and var milliseconds)
            {
                // What a client sends under this name is dropped with all that is named so.
                transform.ProxyRequest.Headers.TryAddWithoutValidation(StreamHeaders.Spread, milliseconds.ToString(CultureInfo.InvariantCulture));
            }

            return default;
        });
    }
}
