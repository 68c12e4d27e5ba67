using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse topics</c>: those with subscribers, on all replicas.</summary>
internal static class TopicsCommand
{
    private const int PageSize = 1000;

    // The busiest ones are one page.
    private const int MostBusiest = 100;

    public static Command Create(Shared shared)
    {
        var prefix = new Option<string?>("--prefix") { Description = "Only those whose names begin so.", HelpName = "text" };
        var busiest = new Option<bool>("--busiest") { Description = "Those with the most writes a second first, with the first and the last offset of their logs in Redis; history begins earlier where there is an archive." };
        shared.MayBeEmpty(prefix);
        var limit = Numbers.Whole("--limit", 1, int.MaxValue);
        limit.Description = $"At most so many; of the busiest {MostBusiest}.";
        limit.DefaultValueFactory = _ => 100;
        return shared.ForOperators(new Command("topics", "Lists topics that have subscribers anywhere.") { prefix, busiest, limit }, async (parsed, client, printer, cancellationToken) =>
        {
            var query = parsed.GetValue(prefix) is { Length: > 0 } text ? $"&prefix={Uri.EscapeDataString(text)}" : "";
            var (topics, logs, unreachable) = parsed.GetValue(busiest)
                ? await BusiestAsync(client, query, (int)parsed.GetValue(limit)!.Value, cancellationToken)
                : await PagesAsync(client, query, (int)parsed.GetValue(limit)!.Value, cancellationToken);
            if (printer.IsJson)
            {
                printer.Json(json => Write(json, topics, logs, unreachable));
            }
            else
            {
                Write(printer, topics, logs, unreachable);
            }

            return ExitCode.Ok;
        });
    }

    private static async Task<(List<JsonElement> Topics, JsonElement[]? Logs, string[] Unreachable)> BusiestAsync(GatewayClient client, string query, int limit, CancellationToken cancellationToken)
    {
        var page = await client.GetAsync($"/admin/topics?sort=busiest&limit={Math.Min(limit, MostBusiest).ToString(CultureInfo.InvariantCulture)}{query}", cancellationToken);
        return ([.. page.Items("topics")], page.Member("logs") is null ? null : [.. page.Items("logs")], Unreachable(page));
    }

    private static async Task<(List<JsonElement> Topics, JsonElement[]? Logs, string[] Unreachable)> PagesAsync(GatewayClient client, string query, int limit, CancellationToken cancellationToken)
    {
        List<JsonElement> topics = [];
        string[] unreachable = [];
        for (var after = (string?)""; after is not null && topics.Count < limit;)
        {
            var size = Math.Min(limit - topics.Count, PageSize).ToString(CultureInfo.InvariantCulture);
            var page = await client.GetAsync($"/admin/topics?limit={size}{query}{(after.Length > 0 ? $"&after={Uri.EscapeDataString(after)}" : "")}", cancellationToken);
            topics.AddRange(page.Items("topics"));
            unreachable = [.. unreachable.Union(Unreachable(page), StringComparer.Ordinal)];
            after = page.Text("next");
        }

        return (topics, null, unreachable);
    }

    private static string[] Unreachable(JsonElement page) => [.. page.Items("unreachable").Select(replica => replica.GetString() ?? "")];

    private static void Write(Printer printer, List<JsonElement> topics, JsonElement[]? logs, string[] unreachable)
    {
        if (unreachable.Length > 0)
        {
            printer.Note($"These replicas did not answer, and what they have is missing: {string.Join(", ", unreachable)}.");
        }

        if (topics.Count == 0)
        {
            printer.Line("No topic has a subscriber.");
            return;
        }

        var table = logs is null ? Printer.Table("TOPIC", "SUBSCRIBERS#", "IN/s#", "OUT/s#") : Printer.Table("TOPIC", "SUBSCRIBERS#", "IN/s#", "OUT/s#", "LOG FIRST#", "LOG LAST#");
        for (var i = 0; i < topics.Count; i++)
        {
            List<IRenderable> cells =
            [
                Printer.Cell(topics[i].Text("topic")),
                Printer.Cell(Format.Count(topics[i].Long("subscribers"))),
                Printer.Cell(Format.Rate(topics[i].Number("publishRate"))),
                Printer.Cell(Format.Rate(topics[i].Number("deliverRate"))),
            ];
            if (logs is not null)
            {
                cells.Add(Printer.Cell(i < logs.Length ? Format.Count(logs[i].Long("firstOffset")) : null));
                cells.Add(Printer.Cell(i < logs.Length ? Format.Count(logs[i].Long("lastOffset")) : null));
            }

            table.AddRow(cells);
        }

        printer.Write(table);
    }

    private static void Write(Utf8JsonWriter json, List<JsonElement> topics, JsonElement[]? logs, string[] unreachable)
    {
        json.WriteStartObject();
        Array(json, "topics", topics);
        if (logs is not null)
        {
            Array(json, "logs", logs);
        }

        json.WriteStartArray("unreachable"u8);
        foreach (var replica in unreachable)
        {
            json.WriteStringValue(replica);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Array(Utf8JsonWriter json, string name, IEnumerable<JsonElement> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            item.WriteTo(json);
        }

        json.WriteEndArray();
    }
}
