using System.Diagnostics.Metrics;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

internal static class CounterExtensions
{
    /// <summary>
    /// A counter that appears only with what it counts cannot be alerted on: <c>rate()</c> needs the zero before it. To be called when the service
    /// starts: nothing listens to the meter while its instruments are made.
    /// </summary>
    public static void Begin(this Counter<long> counter) => counter.Add(0);

    /// <summary>As <see cref="Begin(Counter{long})"/>, a series for each value of the tag.</summary>
    public static void Begin(this Counter<long> counter, string tag, params IEnumerable<string> values)
    {
        foreach (var value in values)
        {
            counter.Add(0, new KeyValuePair<string, object?>(tag, value));
        }
    }
}
