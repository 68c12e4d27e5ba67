namespace SseApp.Cli.Output;

/// <summary>
/// Columns without lines around them: they can be read by people and cut by programs. Where they do not fit, those that may go are left out from the right;
/// where the others do not fit either, each row is lines of "name: value". Words are broken only where a line is narrower than one.
/// </summary>
/// <param name="columns">Their names; <c>#</c> behind one: numbers; <c>?</c>: it may go.</param>
/// <param name="isPairs">Of two columns, without a head: a name and a text, which may have several lines.</param>
internal sealed class Sheet(string[] columns, bool isPairs = false) : Renderable
{
    private const int Gap = 2;

    private readonly List<IRenderable[]> _rows = [];

    public void AddRow(params IEnumerable<IRenderable> cells) => _rows.Add([.. cells]);

    protected override Measurement Measure(RenderOptions options, int maxWidth) => Layout(options, maxWidth).Measure(options, maxWidth);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => Layout(options, maxWidth).Render(options, maxWidth);

    private IRenderable Layout(RenderOptions options, int maxWidth)
    {
        int[] widths = [.. columns.Select((column, index) => _rows.Select(row => Width(row[index], options, index)).Append(isPairs ? 0 : Name(column).Length).Max())];
        List<int> shown = [.. Enumerable.Range(0, columns.Length)];
        // The last one is followed by nothing.
        while (shown.Sum(index => widths[index] + Gap) - Gap > maxWidth)
        {
            if (shown.FindLastIndex(index => columns[index].Contains('?', StringComparison.Ordinal)) is >= 0 and var last)
            {
                shown.RemoveAt(last);
            }
            else
            {
                return Lines();
            }
        }

        var table = new Table { Border = TableBorder.None, ShowHeaders = !isPairs };
        foreach (var index in shown)
        {
            table.AddColumn(new TableColumn(new Text(Name(columns[index]), new Style(decoration: Decoration.Bold)))
            {
                NoWrap = !isPairs || index == 0,
                Alignment = columns[index].Contains('#', StringComparison.Ordinal) ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, index == shown[^1] ? 0 : Gap, 0),
            });
        }

        foreach (var row in _rows)
        {
            table.AddRow(shown.Select(index => row[index]));
        }

        return table;
    }

    private Rows Lines()
    {
        List<IRenderable> lines = [];
        foreach (var row in _rows)
        {
            if (!isPairs && lines.Count > 0)
            {
                lines.Add(Text.Empty);
            }

            lines.AddRange(row.Select((cell, index) => (cell, index)).Where(pair => !isPairs || pair.index > 0)
                .Select(pair => new Line(isPairs ? row[0] : new Text(Name(columns[pair.index])), pair.cell)));
        }

        return new Rows(lines);
    }

    // A text of several lines is as wide as its longest word, at least.
    private int Width(IRenderable cell, RenderOptions options, int index) =>
        cell.Measure(options, int.MaxValue) is var measured && isPairs && index > 0 ? measured.Min : measured.Max;

    private static string Name(string column) => column.TrimEnd('#', '?');

    /// <summary>A name and a value, which wraps as a sentence does.</summary>
    private sealed class Line(IRenderable name, IRenderable value) : Renderable
    {
        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
        {
            var line = new Paragraph();
            foreach (var part in name.Render(options, int.MaxValue))
            {
                line.Append(part.Text, part.Style);
            }

            line.Append(": ");
            foreach (var part in value.Render(options, int.MaxValue))
            {
                line.Append(part.Text, part.Style);
            }

            return ((IRenderable)line).Render(options, maxWidth);
        }
    }
}
