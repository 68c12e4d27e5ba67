using SseApp.Events.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>
/// Ends the streams whose credential counts no more: it was revoked, its API key was removed, or its issuer has no such key any
/// more. All streams are looked at, once for all that changed meanwhile.
/// </summary>
internal sealed class RevokedStreams(ShardSet shards, CredentialService credentials, TimeProvider time) : BackgroundService
{
    // Two seconds are promised; a look at one number costs nothing.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The first streams may be older than this service.
        var seen = 0;
        using var timer = new PeriodicTimer(s_look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (credentials.Version is var version && version != seen)
                {
                    seen = version;
                    await shards.EndAsync(IsRevoked, CloseReason.TokenRevoked).WaitAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private bool IsRevoked(StreamConnection connection) => connection.Credential is { } credential && !credentials.StillCounts(credential.Principal);
}
