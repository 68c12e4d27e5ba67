using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Streams;

/// <summary>
/// Event streams of configured services whose requests did not say so: curl and clients made of <c>fetch</c> send no
/// <c>Accept: text/event-stream</c>. Only the head of the response shows it, and from there on it has no time limit and is
/// not held back.
/// </summary>
internal static class UnaskedStreamTransform
{
    public static void Apply(TransformBuilderContext context) => context.AddResponseTransform(transform =>
    {
        if (StreamRequests.IsEventStream(transform.ProxyResponse?.Content.Headers.ContentType?.MediaType))
        {
            LongResponse.Begin(transform.HttpContext);
            transform.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        }

        return default;
    });
}
