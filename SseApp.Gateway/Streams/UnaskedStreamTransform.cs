using System.Net.Http.Headers;
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
        if (transform.ProxyResponse is { } answer && IsEventStream(answer.Content.Headers))
        {
            LongResponse.Begin(transform.HttpContext);
            transform.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        }

        return default;
    });

    // What cannot be one is not parsed: that costs as much as all other transforms of a publish's answer.
    private static bool IsEventStream(HttpContentHeaders headers) =>
        headers.NonValidated.TryGetValues("Content-Type", out var values)
        && values.ToString().Contains(EventStreams.ContentType, StringComparison.OrdinalIgnoreCase)
        && StreamRequests.IsEventStream(headers.ContentType?.MediaType);
}
