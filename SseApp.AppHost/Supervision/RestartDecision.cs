namespace SseApp.AppHost.Supervision;

/// <summary>What follows the end of a process.</summary>
/// <param name="Delay">Time until the new start; null: no start any more.</param>
/// <param name="Crash">False for an end that was meant.</param>
/// <param name="ShortLived">Ends in a row, this one included, that came before <see cref="RestartPolicy.MinUptime"/>.</param>
internal readonly record struct RestartDecision(TimeSpan? Delay, bool Crash, int ShortLived);
