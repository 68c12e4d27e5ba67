namespace SseApp.Tests.Chaos;

/// <summary>
/// What one subscriber received of one topic, event by event and gap by gap, with the position that each id has. Of epochs
/// an id has only a mark.
/// </summary>
internal sealed class Trail(int markBits)
{
    private readonly List<Step> _steps = [];

    public void Add(int number, uint mark, long offset) => _steps.Add(new Step(number, null, mark, offset));

    public void Add(ReportedGap gap, uint mark, long offset) => _steps.Add(new Step(-1, gap, mark, offset));

    /// <summary>
    /// Each event follows the one before it, or a gap that begins where the client stood and goes on where it says. What is
    /// stored in the epoch of the end came exactly once; of former epochs at least all that no gap names. Null, or what is wrong.
    /// </summary>
    public string? FindFault(IReadOnlyList<StoredEvent> stored)
    {
        (uint Mark, long Offset) at = default;
        foreach (var step in _steps)
        {
            var follows = step.Gap switch
            {
                null => step.Offset == at.Offset + 1 && (step.Mark == at.Mark || at == default),
                { Reason: "expired" } gap => step.Mark == at.Mark && gap.From == at.Offset + 1 && gap.To == step.Offset,
                // The log of before the client's events is gone; all that the new one holds follows.
                { Reason: "epoch" } gap => step.Mark != at.Mark && gap.From == at.Offset + 1 && gap.To is null && step.Offset == 0,
                { Reason: "unknown-position" } gap => gap.From is null && gap.To == step.Offset,
                _ => false,
            };
            if (!follows)
            {
                return $"got {step} after {at}";
            }

            at = (step.Mark, step.Offset);
        }

        for (var number = 0; number < stored.Count; number++)
        {
            var (mark, offset) = (stored[number].MarkOf(markBits), stored[number].Offset);
            var times = _steps.Count(step => step.Number == number && step.Mark == mark && step.Offset == offset);
            if (times > 1 || (times == 0 && (mark == at.Mark || !IsTold(mark, offset))))
            {
                return $"got {number}, stored at {stored[number]}, {times} times; it ended at {at} after {string.Join("; ", _steps.Where(step => step.Gap is not null))}";
            }
        }

        return stored.Count == 0 || stored[^1].MarkOf(markBits) == at.Mark ? null : $"ended at {at}, not in the epoch of {stored[^1]}";
    }

    /// <summary>Whether a gap names the place, or another event has it that came before the log was found to have lost events.</summary>
    private bool IsTold(uint mark, long offset)
    {
        var before = 0u;
        var left = false;
        foreach (var step in _steps)
        {
            if (step.Gap is { } gap && (before == mark || !_steps.Exists(other => other.Mark == mark)))
            {
                left |= gap.From is null || gap.From <= offset || before != mark || _steps.Exists(other => other.Number >= 0 && (other.Mark, other.Offset) == (mark, offset));
            }

            before = step.Mark;
        }

        return left;
    }

    private readonly record struct Step(int Number, ReportedGap? Gap, uint Mark, long Offset);
}
