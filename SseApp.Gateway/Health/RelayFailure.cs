using Yarp.ReverseProxy.Forwarder;

namespace SseApp.Gateway.Health;

/// <summary>What YARP's own forwarder leaves with a request that failed; retries, refusals and health read it.</summary>
internal sealed class RelayFailure(ForwarderError error, Exception? exception) : IForwarderErrorFeature
{
    /// <summary>
    /// A connection broke under streams that were open. One of them has it: their responses have begun, so nothing
    /// repeats them, but for the replica's health it counts as one connection that failed.
    /// </summary>
    public static readonly RelayFailure Broken = new(
        ForwarderError.Request, new HttpRequestException(HttpRequestError.ConnectionError, "The relay connection broke."));

    public ForwarderError Error => error;

    public Exception? Exception => exception;
}
