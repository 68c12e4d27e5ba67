using System.Text.Json.Serialization;

namespace SseApp.Gateway.Alerts;

/// <summary>One condition from its beginning to its end, and when it was reported.</summary>
internal sealed record Alert
{
    public required string Key { get; init; }

    public required string Rule { get; init; }

    public AlertSeverity Severity { get; init; }

    public required string Summary { get; init; }

    public required string Recovery { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = AlertCondition.NoLabels;

    public DateTimeOffset Since { get; init; }

    /// <summary>Unless a gateway finds the condition again before this, it is over.</summary>
    public DateTimeOffset ConfirmedUntil { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When the last alert of the same key was reported; see <see cref="AlertsOptions.MinInterval"/>.</summary>
    public DateTimeOffset? LastReportedAt { get; init; }

    /// <summary>When its beginning was reported, or all attempts to do so failed.</summary>
    public DateTimeOffset? ReportedAt { get; init; }

    public DateTimeOffset? EndReportedAt { get; init; }

    /// <summary>The gateway that sends the next notice; others leave it alone until <see cref="ClaimedUntil"/>.</summary>
    public string? ClaimedBy { get; init; }

    public DateTimeOffset ClaimedUntil { get; init; }

    [JsonIgnore]
    public bool IsFiring => EndedAt is null;
}

internal enum AlertSeverity
{
    /// <summary>Clients are served; look at it today.</summary>
    Warning,

    /// <summary>Clients are not served, or soon will not be; look at it now.</summary>
    Critical,
}
