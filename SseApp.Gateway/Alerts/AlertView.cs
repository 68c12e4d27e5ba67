namespace SseApp.Gateway.Alerts;

/// <summary>What one gateway brings to the <see cref="AlertBook"/> at one moment.</summary>
internal sealed record AlertView
{
    public required string Gateway { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>During the grace after its start a gateway neither begins nor ends an alert.</summary>
    public bool IsStarting { get; init; }

    public IReadOnlyList<AlertCondition> Conditions { get; init; } = [];

    /// <summary>Notices that this gateway is done with since it looked last.</summary>
    public IReadOnlyList<AlertOutcome> Outcomes { get; init; } = [];

    /// <summary>Keys of the alerts that this gateway is sending a notice of.</summary>
    public IReadOnlySet<string> InFlight { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    public required TimeSpan ConfirmFor { get; init; }

    public required TimeSpan MinInterval { get; init; }
}
