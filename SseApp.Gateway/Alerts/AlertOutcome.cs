namespace SseApp.Gateway.Alerts;

/// <summary>A notice that needs no more work: it was delivered, or the channel was given up.</summary>
/// <param name="Key">Of the alert.</param>
/// <param name="State">What was told of it.</param>
/// <param name="Since">When that alert began: one of the same key may have begun meanwhile, of which nobody was told.</param>
internal sealed record AlertOutcome(string Key, AlertState State, DateTimeOffset Since);
