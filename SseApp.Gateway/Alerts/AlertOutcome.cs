namespace SseApp.Gateway.Alerts;

/// <summary>A notice that needs no more work: it was delivered, or the channel was given up.</summary>
internal sealed record AlertOutcome(string Key, AlertState State);
