using System.Net.Sockets;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Health;

/// <summary>What a failed forward means for the request.</summary>
internal static class ForwardFailure
{
    /// <summary>True when no byte of the request can have reached the destination, so any request may be repeated.</summary>
    public static bool NeverSent(IForwarderErrorFeature failure) => failure.Exception switch
    {
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
        } => failure.Error == ForwarderError.Request,

        // SocketsHttpHandler.ConnectTimeout; the activity timeout has no inner exception.
        OperationCanceledException { InnerException: TimeoutException } => failure.Error == ForwarderError.RequestTimedOut,
        _ => false,
    };

    /// <summary>
    /// True when the destination may have taken the request and broke before an answer: one that is safe to repeat may go
    /// to another. A destination that took the request and keeps silent is not abandoned for another: that wait was long
    /// enough.
    /// </summary>
    public static bool BrokeBeforeAnswer(IForwarderErrorFeature failure) =>
        failure.Error is ForwarderError.Request or ForwarderError.RequestBodyDestination or ForwarderError.ResponseBodyDestination;

    /// <summary>
    /// True when the failure says something about the destination: it did not answer. A stream that breaks says nothing
    /// by itself, because its replica may have had a reason; nor does a client that left, or one that owes the rest of its
    /// body, unless the destination could not even be connected to. A connection that carried many streams and broke is a fault.
    /// </summary>
    public static bool IsDestinationsFault(HttpContext context, IForwarderErrorFeature failure) =>
        ReferenceEquals(failure, RelayFailure.Broken)
        || (!context.Response.HasStarted
        && !context.RequestAborted.IsCancellationRequested
        && failure.Error is ForwarderError.Request or ForwarderError.RequestTimedOut or ForwarderError.RequestBodyDestination
            or ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination
        && (NeverSent(failure) || !RequestBodies.IsOwed(context))
        && failure.Exception is not ReplicaStoppingException
        && !IsOwn(failure.Exception));

    /// <summary>True when this machine has no port, file or memory left for one more connection.</summary>
    private static bool IsOwn(Exception? exception) => exception is not null
        && (exception is SocketException { SocketErrorCode: SocketError.AddressNotAvailable or SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable } || IsOwn(exception.InnerException));
}

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

/// <summary>A replica that stops takes no request any more; another one can have it.</summary>
internal sealed class ReplicaStoppingException(string replica)
    : HttpRequestException(HttpRequestError.ConnectionError, $"Replica {replica} is stopping.");
