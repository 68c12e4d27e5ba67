using SseApp.Events.Access;
using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>
/// Ends this replica's streams of a token. Those of other replicas, and the token itself, end when it is revoked for the whole
/// cluster; that belongs here too, before the streams end, so that none of them comes back.
/// </summary>
internal sealed class StreamSessionEnd(ShardSet shards, TimeProvider time) : ISessionEnd
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    public async Task EndAsync(Principal principal, CancellationToken cancellationToken)
    {
        if (principal.Fingerprint is not { } fingerprint)
        {
            return;
        }

        try
        {
            await shards.EndAsync(stream => string.Equals(stream.Credential?.Principal.Fingerprint, fingerprint, StringComparison.Ordinal), CloseReason.TokenRevoked)
                .WaitAsync(s_limit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // A fan-out loop is busy; it ends its streams when it comes to it.
        }
    }
}
