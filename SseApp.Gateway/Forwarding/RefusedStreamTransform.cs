using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Forwarding;

/// <summary>
/// Keeps back the answer of a replica that refuses a stream, so that another one may be asked, and statuses that would
/// close an EventSource for ever. Being a transform it works however the answer is forwarded; who forwards must send no
/// body when the transforms say so.
/// </summary>
internal static class RefusedStreamTransform
{
    // Whatever a server asks for; its clients would not reconnect for days.
    private static readonly TimeSpan s_longestRetryAfter = TimeSpan.FromHours(1);


    public static void Apply(TransformBuilderContext context) => context.AddResponseTransform(transform =>
    {
        if (transform.ProxyResponse is { } answer && Judge(transform.HttpContext, answer) is { } refusal)
        {
            transform.SuppressResponseBody = true;
            transform.HttpContext.Features.Set<IForwarderErrorFeature>(refusal);
        }

        return default;
    });

    private static UpstreamRefusal? Judge(HttpContext context, HttpResponseMessage answer)
    {
        if (!ClientRequest.IsBodiless(context.Request) || !ClientRequest.Of(context).IsStream)
        {
            return null;
        }

        var marked = answer.Headers.NonValidated.TryGetValues(StreamHeaders.Refused, out var reasons) ? reasons.ToString() : null;
        var status = (int)answer.StatusCode;
        var refused = marked ?? status switch
        {
            StatusCodes.Status429TooManyRequests => "too-many-requests",
            StatusCodes.Status502BadGateway => Refusal.Unreachable.Reason,
            StatusCodes.Status503ServiceUnavailable => "replica-unavailable",
            StatusCodes.Status504GatewayTimeout => Refusal.TimedOut.Reason,
            >= StatusCodes.Status500InternalServerError => "replica-error",
            _ => null,
        };
        if (refused is null)
        {
            return null;
        }

        // The last one that is asked answers for itself, if its answer does no harm.
        var refusal = new UpstreamRefusal(status, refused, RetryAfter(answer));
        var another = refusal.MayTryAnother && context.Features.Get<RequestAttempts>()?.Remaining(context).Count > 0;
        var harmful = status != StatusCodes.Status200OK && ClientRequest.Of(context).AcceptsEventStream;
        return another || harmful ? refusal : null;
    }

    private static TimeSpan RetryAfter(HttpResponseMessage answer) =>
        answer.Headers.RetryAfter?.Delta is { } asked ? TimeSpan.FromTicks(Math.Min(asked.Ticks, s_longestRetryAfter.Ticks)) : TimeSpan.Zero;
}

/// <summary>
/// A replica or service answered, but would not open the stream; nothing of its answer has been sent. It says nothing
/// about the health of whoever refused.
/// </summary>
/// <param name="Status">The status that it answered.</param>
/// <param name="Reason">What <c>stream.unavailable</c> says if nobody else serves the request.</param>
/// <param name="RetryAfter">How long it asked to be left alone; zero if it did not.</param>
internal sealed record UpstreamRefusal(int Status, string Reason, TimeSpan RetryAfter) : IForwarderErrorFeature
{
    public ForwarderError Error => ForwarderError.None;

    public Exception? Exception => null;

    /// <summary>False when the client is the reason: elsewhere it would be the same.</summary>
    public bool MayTryAnother => Status != StatusCodes.Status429TooManyRequests;

    /// <summary>What the client gets.</summary>
    public Refusal ToRefusal() => new(Reason, Status, "The server for this request refused it.");
}
