using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Tells the replica how much a batch may store (<see cref="StreamHeaders.Left"/>), and charges a publisher what its replica says that it has stored (<see cref="StreamHeaders.Stored"/>), and keeps that from the
/// client. Other services behind the gateway are not believed: what they send under this name is theirs.
/// </summary>
internal static class StoredTransform
{
    public static void Apply(TransformBuilderContext context)
    {
        if (context.Route.ClusterId != ReplicaDirectory.ClusterId)
        {
            return;
        }

        var rates = context.Services.GetRequiredService<RequestRates>();
        context.AddRequestTransform(static transform =>
        {
            if (ClientRequest.Of(transform.HttpContext).Charged is { IsBatch: true, Left: var (events, bytes) })
            {
                // What a client sends under this name is dropped with all that is named so.
                transform.ProxyRequest.Headers.TryAddWithoutValidation(StreamHeaders.Left, StreamHeaders.WriteStored(Math.Max(events, 0), Math.Max(bytes, 0)));
            }

            return default;
        });
        context.AddResponseTransform(transform =>
        {
            if (transform.ProxyResponse is { } answer && answer.Headers.NonValidated.TryGetValues(StreamHeaders.Stored, out var values))
            {
                transform.HttpContext.Response.Headers.Remove(StreamHeaders.Stored);
                if (StreamHeaders.TryReadStored(values.ToString(), out var events, out var bytes))
                {
                    rates.Settle(ClientRequest.Of(transform.HttpContext), events, bytes);
                }
            }

            return default;
        });
    }
}
