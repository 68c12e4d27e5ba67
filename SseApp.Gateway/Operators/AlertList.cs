namespace SseApp.Gateway.Operators;

/// <summary>Answer of <c>GET /admin/alerts</c>.</summary>
/// <param name="Active">Alerts that last, oldest first.</param>
/// <param name="Recent">Alerts that are over, newest first, 50 at most.</param>
/// <param name="Webhook">Whether a webhook is configured.</param>
internal sealed record AlertList(AlertInfo[] Active, AlertInfo[] Recent, bool Webhook);
