namespace SseApp.Bench.Subjects;

/// <summary>A page of metrics as Prometheus reads it.</summary>
internal static class MetricsPage
{
    /// <summary>The sum of a metric over all its labels.</summary>
    public static double Sum(string page, string name) => page.Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is '{' or ' ')
        .Sum(line => double.Parse(line[(line.LastIndexOf("} ", StringComparison.Ordinal) is >= 0 and var end ? end + 2 : name.Length + 1)..].Split(' ')[0], CultureInfo.InvariantCulture));
}
