using System.Net.ServerSentEvents;
using SseApp.Cli.Gateway;

namespace SseApp.Cli.Output;

/// <summary>What <c>sse monit</c> shows: the newest of each kind of event of the gateway's state.</summary>
internal sealed class MonitorView(Uri gateway)
{
    // Of a point: its columns are the same for all gateways of a version; what is not there is shown as such.
    private const int Points = 60;
    private static readonly string[] s_bars = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

    private readonly Queue<double> _delivered = new();
    private string[] _columns = ["at", "published", "delivered", "connects", "reconnects", "refused", "gaps", "p50", "p99", "gatewayMemory"];
    private JsonElement _state;
    private JsonElement _alerts;
    private JsonElement _reload;

    /// <summary>What happens to the connection; null while it is open.</summary>
    public string? Note { get; set; }

    /// <returns>Whether there is something new to show.</returns>
    public bool Take(SseItem<string> item)
    {
        JsonElement data;
        try
        {
            using var json = JsonDocument.Parse(item.Data);
            data = json.RootElement.Clone();
        }
        catch (JsonException)
        {
            return false;
        }

        Note = null;
        switch (item.EventType)
        {
            case "history":
                _columns = [.. data.Items("columns").Select(column => column.GetString() ?? "")];
                _delivered.Clear();
                foreach (var point in data.Items("points").TakeLast(Points))
                {
                    Add(point);
                }

                return false;
            case "state":
                _state = data;
                Add(data.Member("point") ?? default);
                return true;
            case "alerts":
                _alerts = data;
                return true;
            case "reload":
                _reload = data;
                return true;
            default:
                return false;
        }
    }

    public IRenderable Render()
    {
        List<IRenderable> rows = [];
        var own = _state.Member("gateway") ?? default;
        var point = _state.Member("point") ?? default;
        rows.Add(new Text($"{gateway.GetLeftPart(UriPartial.Authority)}  {SafeText.Of(own.Text("name") ?? "")}  {Format.Streams(own.Long("streams"))} here", new Style(decoration: Decoration.Bold)));
        if (Note is { } note)
        {
            rows.Add(Printer.Cell(note, Color.Yellow));
        }

        if (_state.Text("registry") is { } registry and not "available")
        {
            rows.Add(Printer.Cell($"Redis, where the replicas are registered, is {registry}.", Color.Red));
        }

        rows.Add(new Text(""));
        rows.Add(ReplicaTable.Of(_state.Items("list"), withRates: true));
        rows.Add(new Text(""));
        rows.Add(new Text($"events in {Rate(point, "published")}/s   deliveries {Rate(point, "delivered")}/s   p50 {Rate(point, "p50")} ms   p99 {Rate(point, "p99")} ms"));
        rows.Add(new Text($"connects {Rate(point, "connects")}/s   reconnects {Rate(point, "reconnects")}/s   refused {Rate(point, "refused")}/s   gaps {Rate(point, "gaps")}/s   gateway {Format.Bytes(Value(point, "gatewayMemory") ?? 0)}"));
        rows.Add(new Text("deliveries of the last minute"));
        rows.Add(new Text(Bars()));
        foreach (var alert in _alerts.Items("active"))
        {
            rows.Add(Printer.Cell($"Alert {alert.Text("key")}: {alert.Text("summary")}", Color.Red));
        }

        if (_reload.Text("state") is "running")
        {
            var steps = _reload.Items("steps").ToArray();
            rows.Add(Printer.Cell(string.Create(CultureInfo.InvariantCulture, $"Reload: {steps.Count(step => step.Member("seconds") is not null)} of {steps.Length} done. {_reload.Text("detail")}"), Color.Yellow));
        }

        rows.Add(new Text(""));
        rows.Add(new Text("Ctrl+C ends it.", new Style(decoration: Decoration.Dim)));
        return new Rows(rows);
    }

    private void Add(JsonElement point)
    {
        if (_delivered.Count == Points)
        {
            _delivered.Dequeue();
        }

        _delivered.Enqueue(Value(point, "delivered") ?? 0);
    }

    private string Bars()
    {
        var top = Math.Max(1, _delivered.DefaultIfEmpty().Max());
        return string.Concat(_delivered.Select(value => s_bars[(int)Math.Ceiling(value / top * (s_bars.Length - 1))]));
    }

    private string Rate(JsonElement point, string column) => Format.Rate(Value(point, column));

    private double? Value(JsonElement point, string column) =>
        Array.IndexOf(_columns, column) is >= 0 and var index && point.ValueKind == JsonValueKind.Array && index < point.GetArrayLength() && point[index].ValueKind == JsonValueKind.Number
            ? point[index].GetDouble()
            : null;
}
