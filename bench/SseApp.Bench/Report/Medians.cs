using SseApp.Bench.Compare;

namespace SseApp.Bench.Report;

/// <summary>What several runs come to: the median, and with it the least and the most.</summary>
internal static class Medians
{
    public static double Of(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Of the rows of one subject in one step; null when none has the figure.</summary>
    public static double? Of(IEnumerable<Measurement> rows, Func<Measurement, double?> figure) =>
        rows.Select(figure).OfType<double>().ToArray() is { Length: > 0 } values ? Of(values) : null;

    public static string? Text(IEnumerable<Measurement> rows, Func<Measurement, double?> figure, string format)
    {
        var values = rows.Select(figure).OfType<double>().ToArray();
        return values.Length switch
        {
            0 => null,
            1 => Number(values[0]),
            _ => $"{Number(Of(values))} ({Number(values.Min())} to {Number(values.Max())})",
        };

        string Number(double value) => value.ToString(format, CultureInfo.InvariantCulture);
    }
}
