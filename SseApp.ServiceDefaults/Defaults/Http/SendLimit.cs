namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// How long a client may take nothing of what there is for it before the system ends its connection (<c>TCP_USER_TIMEOUT</c>).
/// Kestrel itself would wait for ever: for the answers to PING or SETTINGS, in a response over HTTP/2, and when it closes a connection
/// after its time. Register one where clients are strangers.
/// </summary>
/// <param name="Timeout">The time.</param>
/// <param name="Ended">Counts a connection that was ended for it.</param>
internal sealed record SendLimit(TimeSpan Timeout, Action Ended);
