using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Credentials;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Security;

/// <summary>
/// Keeps from configured services what lets its bearer in at the replicas: the session's cookie, which a browser sends to every path
/// of the gateway, and a ticket in the query. (The cluster's own headers go to nobody.) <c>Authorization</c> is for whom it was sent to.
/// </summary>
internal static class CredentialTransform
{
    private const string Ticket = "ticket";

    public static void Apply(TransformBuilderContext context)
    {
        if (string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        context.AddRequestTransform(static transform =>
        {
            DropCookie(transform);
            // Taken apart only then: what is put together again may be written in another way.
            if (transform.HttpContext.Request.QueryString.HasValue && new QueryFeature(transform.HttpContext.Features).Query.ContainsKey(Ticket))
            {
                transform.Query.Collection.Remove(Ticket);
            }

            return default;
        });
    }

    private static void DropCookie(RequestTransformContext transform)
    {
        var headers = transform.ProxyRequest.Headers;
        if (!headers.NonValidated.TryGetValues("Cookie", out var lines))
        {
            return;
        }

        string[] cookies = [.. lines.SelectMany(static line => line.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        // Without regard to case: there are servers that have none for names of cookies.
        string[] others = [.. cookies.Where(static cookie => !cookie.Split('=', 2)[0].TrimEnd().Equals(SessionCookie.Name, StringComparison.OrdinalIgnoreCase))];
        if (others.Length == cookies.Length)
        {
            return;
        }

        headers.Remove("Cookie");
        if (others.Length > 0)
        {
            headers.TryAddWithoutValidation("Cookie", string.Join("; ", others));
        }
    }
}
