using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Http;

internal static class TopicPathsSetup
{
    /// <summary>
    /// Refuses a path that names a topic in two ways; no path of this service has an escaped '%'. Gateways do it themselves: their
    /// forwarder escapes the '%' of every <c>%2F</c> once more. What only says that it comes from one is refused next; what came over a
    /// gateway's connection has the word of that.
    /// </summary>
    public static void UseTopicPaths(this WebApplication app) => app.Use(static (context, next) =>
        TopicPaths.IsEscapedTwice(context) && context.Request.Headers[RequestSignature.Header].Count == 0 && context.Features.Get<SignedRequest>() is null
            ? Problems.BadRequest("The path is not valid.", TopicPaths.Rule).ExecuteAsync(context)
            : next(context));
}
