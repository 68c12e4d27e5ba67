namespace SseApp.Gateway.Alerts;

/// <summary>A message for a person, about the beginning or the end of an alert.</summary>
internal sealed record AlertNotice(AlertState State, Alert Alert);

/// <summary>What a notice reports.</summary>
internal enum AlertState
{
    /// <summary>It has begun.</summary>
    Firing,

    /// <summary>It is over.</summary>
    Resolved,

    /// <summary>Nothing: somebody tests the channel.</summary>
    Test,
}

/// <summary>A notice that needs no more work: it was delivered, or all attempts failed.</summary>
/// <param name="Key">Of the alert.</param>
/// <param name="State">What was reported of it.</param>
/// <param name="Since">When that alert began: one of the same key may have begun meanwhile, which nobody has reported.</param>
internal sealed record AlertOutcome(string Key, AlertState State, DateTimeOffset Since);
