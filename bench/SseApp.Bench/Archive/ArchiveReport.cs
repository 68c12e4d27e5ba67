using SseApp.Bench.Compare;
using SseApp.Bench.Report;

namespace SseApp.Bench.Archive;

/// <summary>The rows of the two tables.</summary>
internal sealed class ArchiveReport
{
    private readonly List<PairedFigure> _pairs = [];
    private readonly List<string> _rows = [];
    private bool _good = true;

    public void Add(PairedFigure figure)
    {
        _pairs.Add(figure);
        Cli.Progress(figure.Row());
        _good &= figure.IsMet != false;
    }

    public void Add(string name, string value, string bar = "", bool? met = null)
    {
        Cli.Progress($"{name}: {value}");
        _rows.Add($"| {name} | {value} | {bar} | {(met is { } known ? known ? "yes" : "no" : "")} |");
        _good &= met != false;
    }

    /// <returns>False when a bar is missed.</returns>
    public bool Write(Workspace workspace)
    {
        if (_pairs.Count > 0)
        {
            Console.Out.WriteLine("| publishes, 1 000 topics | without | with | worse | bar | met |");
            Console.Out.WriteLine("|---|---:|---:|---:|---:|---|");
            _pairs.ForEach(figure => Console.Out.WriteLine(figure.Row()));
            Console.Out.WriteLine();
        }

        Console.Out.WriteLine("| archive | | bar | met |");
        Console.Out.WriteLine("|---|---:|---:|---|");
        _rows.ForEach(Console.Out.WriteLine);
        Console.Out.WriteLine();
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {Machine.Commit(workspace) ?? "unknown"}, load average at the end {Preflight.LoadAverage():0.0}; {Machine.Describe()}"));
        return _good;
    }
}
