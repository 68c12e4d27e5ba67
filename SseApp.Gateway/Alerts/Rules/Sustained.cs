namespace SseApp.Gateway.Alerts.Rules;

/// <summary>Waits until something has been so for a while: a moment is no news.</summary>
internal sealed class Sustained
{
    private TimeSpan? _since;

    /// <returns>How long it has been so, once that is at least <paramref name="least"/>; else null.</returns>
    public TimeSpan? For(bool condition, TimeSpan uptime, TimeSpan least)
    {
        _since = condition ? _since ?? uptime : null;
        return uptime - _since is { } lasted && lasted >= least ? lasted : null;
    }
}
