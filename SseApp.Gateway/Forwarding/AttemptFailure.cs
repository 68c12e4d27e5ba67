using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Forwarding;

/// <summary>The gateway itself ended a try at a replica before the first byte of an answer.</summary>
internal sealed class AttemptFailure(int status, string reason) : IForwarderErrorFeature
{
    public static readonly AttemptFailure Lost = new(StatusCodes.Status502BadGateway, "The replica was given up as lost.");

    public static readonly AttemptFailure Silent = new(StatusCodes.Status504GatewayTimeout, "The replica took the stream and sent nothing.");

    /// <summary>What the client gets if no other replica takes the request.</summary>
    public int Status => status;

    public ForwarderError Error => ForwarderError.Request;

    public Exception Exception { get; } = new TimeoutException(reason);
}
