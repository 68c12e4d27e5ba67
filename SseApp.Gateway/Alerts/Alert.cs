using System.Text.Json.Serialization;

namespace SseApp.Gateway.Alerts;

/// <summary>One condition from its beginning to its end, and who was told of it.</summary>
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

    /// <summary>When the last alert of the same key was told; see <see cref="AlertsOptions.MinInterval"/>.</summary>
    public DateTimeOffset? LastToldAt { get; init; }

    /// <summary>When its beginning was told, or the channel was given up.</summary>
    public DateTimeOffset? ToldAt { get; init; }

    public DateTimeOffset? EndToldAt { get; init; }

    /// <summary>The gateway that sends the next notice; others leave it alone until <see cref="ClaimedUntil"/>.</summary>
    public string? ClaimedBy { get; init; }

    public DateTimeOffset ClaimedUntil { get; init; }

    [JsonIgnore]
    public bool IsFiring => EndedAt is null;
}
