namespace SseApp.Gateway.Alerts;

/// <summary>
/// All alerts of the cluster. Every gateway evaluates the rules and writes into the one book what it finds: an alert
/// begins when the first finds it, lasts while any of them does, and each of its two notices is sent by whoever claims
/// it. A gateway that ends in the middle loses its claim after a while.
/// </summary>
internal sealed record AlertBook
{
    public static readonly TimeSpan ClaimLimit = TimeSpan.FromSeconds(30);

    private const int KeptRecent = 50;

    // The clock of Redis counts, and may be set back: what was confirmed, claimed or reported further ahead than anybody does it would hold up
    // an end or a notice for as long. A gateway may have another setting than this one.
    private static readonly TimeSpan s_settingsDiffer = TimeSpan.FromMinutes(1);

    /// <summary>Alerts that last, and those that ended but whose end still has to be reported.</summary>
    public IReadOnlyList<Alert> Active { get; init; } = [];

    /// <summary>Alerts that are over and done with, newest first.</summary>
    public IReadOnlyList<Alert> Recent { get; init; } = [];

    /// <summary>Takes in what one gateway finds now.</summary>
    /// <param name="view">What it finds.</param>
    /// <param name="notices">What it has to send.</param>
    /// <returns>The same object when nothing changed.</returns>
    public AlertBook Apply(AlertView view, out IReadOnlyList<AlertNotice> notices)
    {
        var conditions = view.Conditions.DistinctBy(condition => condition.Key, StringComparer.Ordinal).ToDictionary(condition => condition.Key, StringComparer.Ordinal);
        var active = Active.Select(alert => Outcomes(alert, view)).Select(alert => Confirm(alert, conditions, view)).ToList();
        if (!view.IsStarting)
        {
            active.AddRange(conditions.Values
                .Where(condition => !active.Exists(alert => alert.IsFiring && alert.Key == condition.Key))
                .Select(condition => Begin(condition, active, view)));
        }

        var due = new List<AlertNotice>();
        active = active.ConvertAll(alert => Claim(alert, view, due));
        notices = due;
        var done = active.Where(IsDone).Reverse().ToList();
        var book = new AlertBook
        {
            Active = [.. active.Where(alert => !IsDone(alert))],
            Recent = done.Count == 0 ? Recent : [.. done.Concat(Recent).Take(KeptRecent)],
        };
        return done.Count == 0 && book.Active.SequenceEqual(Active) ? this : book;
    }

    /// <summary>
    /// Adds what a gateway wrote into its own copy while the book could not be reached. What is in both was reported
    /// by each of them; it stays one alert, so its end is reported once.
    /// </summary>
    public AlertBook Merge(AlertBook other)
    {
        var known = Active.Concat(Recent).ToList();
        return new AlertBook
        {
            Active =
            [
                .. Active.Select(alert => other.Active.FirstOrDefault(theirs => IsSame(theirs, alert)) is { ReportedAt: { } reported } && alert.ReportedAt is null
                    ? alert with { ReportedAt = reported }
                    : alert),
                .. other.Active.Where(theirs => !known.Exists(alert => IsSame(theirs, alert))),
            ],
            Recent =
            [
                .. Recent.Concat(other.Recent.Where(theirs => !known.Exists(alert => IsSame(theirs, alert))))
                    .OrderByDescending(alert => alert.EndedAt)
                    .Take(KeptRecent),
            ],
        };
    }

    private static bool IsSame(Alert theirs, Alert ours) =>
        ours.Key == theirs.Key && (ours.EndedAt is null || ours.EndedAt >= theirs.Since) && (theirs.EndedAt is null || theirs.EndedAt >= ours.Since);

    private static Alert Outcomes(Alert alert, AlertView view)
    {
        foreach (var outcome in view.Outcomes.Where(outcome => outcome.Key == alert.Key && outcome.Since == alert.Since))
        {
            if (outcome.State == AlertState.Firing && alert.ReportedAt is null)
            {
                alert = alert with { ReportedAt = view.Now, ClaimedBy = null, ClaimedUntil = default };
            }
            else if (outcome.State == AlertState.Resolved && !alert.IsFiring)
            {
                alert = alert with { EndReportedAt = view.Now, ClaimedBy = null, ClaimedUntil = default };
            }
        }

        return alert;
    }

    private static Alert Confirm(Alert alert, Dictionary<string, AlertCondition> conditions, AlertView view)
    {
        if (!alert.IsFiring)
        {
            return alert;
        }

        // A gateway that has just started does not know yet what the others, or its predecessor, saw.
        if (view.IsStarting || conditions.ContainsKey(alert.Key))
        {
            // Written again only when half of the time is over: a standing alert is not a write a second.
            return alert.ConfirmedUntil - view.Now < view.ConfirmFor / 2 ? alert with { ConfirmedUntil = view.Now + view.ConfirmFor } : alert;
        }

        return alert.ConfirmedUntil < view.Now ? alert with { EndedAt = view.Now }
            : alert.ConfirmedUntil - view.Now > view.ConfirmFor + s_settingsDiffer ? alert with { ConfirmedUntil = view.Now + view.ConfirmFor }
            : alert;
    }

    private Alert Begin(AlertCondition condition, List<Alert> active, AlertView view) => new()
    {
        Key = condition.Key,
        Rule = condition.Rule,
        Severity = condition.Severity,
        Summary = condition.Summary,
        Recovery = condition.Recovery,
        Labels = condition.Labels,
        Since = view.Now,
        ConfirmedUntil = view.Now + view.ConfirmFor,
        LastReportedAt = active.Concat(Recent).Where(alert => alert.Key == condition.Key).Max(alert => alert.ReportedAt ?? alert.LastReportedAt),
    };

    private static Alert Claim(Alert alert, AlertView view, List<AlertNotice> due)
    {
        AlertState? next = alert switch
        {
            { IsFiring: true, ReportedAt: null } when alert.LastReportedAt is not { } last || (view.Now - last).Duration() >= view.MinInterval => AlertState.Firing,
            { IsFiring: false, ReportedAt: not null, EndReportedAt: null } => AlertState.Resolved,
            _ => null,
        };
        if (view.InFlight.Contains(alert.Key))
        {
            return alert.ClaimedUntil - view.Now < ClaimLimit / 2 ? Claimed() : alert;
        }

        if (next is null || (alert.ClaimedUntil > view.Now && alert.ClaimedUntil - view.Now <= ClaimLimit))
        {
            return alert;
        }

        var claimed = Claimed();
        due.Add(new AlertNotice(next.Value, claimed));
        return claimed;

        Alert Claimed() => alert with { ClaimedBy = view.Gateway, ClaimedUntil = view.Now + ClaimLimit };
    }

    // One that ended while its beginning is being reported is not done: the end has to be reported then, too.
    private static bool IsDone(Alert alert) => !alert.IsFiring && (alert.EndReportedAt is not null || (alert.ReportedAt is null && alert.ClaimedBy is null));
}

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
