using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Access;

/// <summary>Ends what somebody has who signs out.</summary>
internal interface ISessionEnd
{
    /// <summary>Ends the streams that live by this token, and by no other of the same user.</summary>
    /// <param name="principal">Of a token: it has a <see cref="Principal.Fingerprint"/>.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    Task EndAsync(Principal principal, CancellationToken cancellationToken);
}
