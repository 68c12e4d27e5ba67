using SseApp.Events.Relay;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Replicas;

/// <summary>
/// Requests that come when the replica is about to stop: a gateway that has not heard of it sends some more. A server that closes its
/// listener and its idle connections in such a moment resets those that are on the way, and whoever sent a publish does not know whether it was stored.
/// </summary>
internal sealed class LateRequests(DrainState drain, TimeProvider time)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(25);

    private long _last;

    /// <summary>Notes a request; while the replica stops, its answer ends the connection, so that no other one comes on it.</summary>
    public void Note(HttpContext context)
    {
        // What comes over a relay connection ends by an agreement.
        if (context.Features.Get<IHttpConnectionFeature>() is RelayServerRequest)
        {
            return;
        }

        Volatile.Write(ref _last, time.GetTimestamp());
        if (drain.IsStopping && BareAnswers.OwnsConnection(context.Request))
        {
            BareAnswers.CloseAfter(context, StatusCodes.Status200OK);
        }
    }

    /// <summary>Completes when no request has come for a while since <paramref name="told"/> completed, or when that took too long.</summary>
    /// <param name="told">The gateways have been told.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async Task CeaseAsync(Task told, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await told.WaitAsync(s_limit, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Volatile.Write(ref _last, time.GetTimestamp());
        while (time.GetElapsedTime(Volatile.Read(ref _last)) < s_quiet && time.GetElapsedTime(began) < s_limit && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_poll, time, CancellationToken.None);
        }
    }
}
