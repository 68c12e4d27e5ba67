using SseApp.Gateway.Refusals;
using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Forwarding;

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

    /// <summary>What the client is told.</summary>
    public Refusal ToRefusal() => new(Reason, Status, "The server that was to take this request refused it.");
}
