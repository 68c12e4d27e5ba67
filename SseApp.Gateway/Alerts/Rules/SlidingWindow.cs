namespace SseApp.Gateway.Alerts.Rules;

/// <summary>Samples of the last while, to compare now with then.</summary>
internal sealed class SlidingWindow<T>
{
    private readonly Queue<(TimeSpan At, T Value)> _samples = new();

    /// <summary>Adds a sample and returns the oldest that is within the window.</summary>
    public T Add(T value, TimeSpan uptime, TimeSpan length)
    {
        _samples.Enqueue((uptime, value));
        while (uptime - _samples.Peek().At > length)
        {
            _samples.Dequeue();
        }

        return _samples.Peek().Value;
    }

    public void Clear() => _samples.Clear();
}
