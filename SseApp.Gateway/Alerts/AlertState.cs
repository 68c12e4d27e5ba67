namespace SseApp.Gateway.Alerts;

/// <summary>What a notice tells.</summary>
internal enum AlertState
{
    /// <summary>It has begun.</summary>
    Firing,

    /// <summary>It is over.</summary>
    Resolved,

    /// <summary>Nothing: somebody tries the channel.</summary>
    Test,
}
