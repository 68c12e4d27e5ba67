using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Gateway.Forwarding;

internal static class MisdirectedRequests
{
    /// <summary>
    /// Refuses what a gateway of this cluster has signed for a replica: one announces this gateway's address as its own, and what is forwarded there would
    /// go round in circles.
    /// </summary>
    public static void UseMisdirected(this IApplicationBuilder app)
    {
        var signature = app.ApplicationServices.GetRequiredService<RequestSignature>();
        app.Use((context, next) =>
            context.Request.Headers.TryGetValue(RequestSignature.Header, out var given) && given is [[(char)RequestPurpose.Client, ..]]
            && signature.Verify(context, replica: "", out var fault) is null && ReferenceEquals(fault, RequestSignature.ForAnother)
                ? TypedResults.Problem(
                    "A gateway is here, and not the replica that this request is for. Replica:AdvertisedAddress of that replica has to be its own address.",
                    title: "The replica is not here.",
                    statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context)
                : next(context));
    }
}
