namespace SseApp.Tests.Infrastructure;

/// <summary>The system's time, but nobody waits long.</summary>
internal sealed class HastyTimeProvider : TimeProvider
{
    public const int Haste = 50;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / Haste : dueTime, period);
}
