using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Access;

/// <summary>Lets those read of a topic who may subscribe to it. A name that is none is for the endpoint to refuse.</summary>
internal sealed class SubscribeFilter(CredentialService credentials, AccessRefusal access) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var topic = TopicPaths.Name((string)http.Request.RouteValues["topic"]!);
        var principal = Caller.Of(http);
        if (TopicName.IsValid(topic) && credentials.SubscribedBy(principal, topic) is null)
        {
            await access.WriteDeniedAsync(http, principal, topic);
            return TypedResults.Empty;
        }

        return await next(context);
    }
}
