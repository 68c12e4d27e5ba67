using System.Net.ServerSentEvents;
using SseApp.Cli.Gateway;
using SseApp.Cli.Output;
using SseApp.Cli.Positions;

namespace SseApp.Cli.Commands;

/// <summary><c>sse tail</c>: the events of topics as they come, across every cut.</summary>
internal static class TailCommand
{
    // A server takes no more.
    private const int MostHistory = 1_000_000;

    public static Command Create(Shared shared)
    {
        var topics = new Argument<string[]>("topic") { Description = "One or more.", Arity = ArgumentArity.OneOrMore };
        var from = new Option<string?>("--from") { Description = "The id of the last event that is known, or 'earliest' for everything that is kept. Default: what is published from now on.", HelpName = "id" };
        var history = Numbers.Whole("--history", 0, MostHistory);
        history.Description = "The newest events of each topic first, so many.";
        var count = Numbers.Whole("--count", 1);
        count.Description = "End after so many events.";
        var raw = new Option<bool>("--raw") { Description = "Only the data of each event, as it was published." };
        return shared.ForClients(
            new Command("tail", "Prints the events of topics. Comes back after every cut with the last id, so nothing is missed or repeated; Ctrl+C ends it.") { topics, from, history, count, raw },
            async (parsed, client, printer, cancellationToken) =>
            {
                var names = parsed.GetValue(topics)!;
                Array.ForEach(names, TopicNames.Check);
                var query = string.Join('&', names.Select(name => $"topic={Uri.EscapeDataString(name)}"));
                if (parsed.GetValue(history) is { } newest)
                {
                    query += $"&history={newest.ToString(CultureInfo.InvariantCulture)}";
                }

                // On a first connect it is in the query: 'earliest' is no id.
                var start = parsed.GetValue(from);
                if (start == "earliest")
                {
                    query += "&lastEventId=earliest";
                }

                var stream = new ReconnectingStream(client, $"/events?{query}", shared.Host.Time, printer.Note) { LastEventId = start == "earliest" ? null : start };
                try
                {
                    await PrintAsync(stream, new OffsetTracker(names), parsed.GetValue(raw), parsed.GetValue(count) ?? long.MaxValue, printer, cancellationToken);
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    // That is how it ends.
                }

                if (stream.LastEventId is { Length: > 0 } last && cancellationToken.IsCancellationRequested)
                {
                    printer.Note($"To go on from here: --from {last}");
                }

                return ExitCode.Ok;
            });
    }

    private static async Task PrintAsync(ReconnectingStream stream, OffsetTracker offsets, bool isRaw, long count, Printer printer, CancellationToken cancellationToken)
    {
        await foreach (var item in stream.ReadAsync(cancellationToken))
        {
            var isOwn = item.EventType.StartsWith("stream.", StringComparison.Ordinal);
            // One that repeats the client's id says nothing new.
            var (topic, offset) = item.EventType is "stream.unavailable" or "stream.closed" ? (null, null) : offsets.Next(item.EventId);
            if (printer.IsJson)
            {
                printer.Json(json => Write(json, item, isOwn ? null : topic, isOwn ? null : offset));
            }
            else if (isOwn)
            {
                Note(printer, item);
            }
            else if (isRaw)
            {
                printer.Line(item.Data);
            }
            else
            {
                var at = offset is { } known ? known.ToString(CultureInfo.InvariantCulture) : "?";
                printer.Line($"{topic ?? "?"}@{at} {(item.EventType == "message" ? "" : $"{SafeText.Of(item.EventType)} ")}{SafeText.Of(item.Data)}");
            }

            if (!isOwn && --count == 0)
            {
                return;
            }
        }
    }

    private static void Note(Printer printer, SseItem<string> item)
    {
        JsonElement data;
        try
        {
            using var json = JsonDocument.Parse(item.Data);
            data = json.RootElement.Clone();
        }
        catch (JsonException)
        {
            return;
        }

        printer.Note(item.EventType switch
        {
            "stream.open" => $"Connected to {data.Text("replica")}.",
            "stream.gap" => $"Missed in {data.Text("topic")}: {Offsets(data)} ({data.Text("reason")}).",
            "stream.unavailable" => $"Not now: {data.Text("reason")}.",
            "stream.token-expiring" => "The token ends within a minute.",
            _ => $"{item.EventType} {item.Data}",
        });
    }

    private static string Offsets(JsonElement gap) => (gap.Member("from"), gap.Member("to")) switch
    {
        ({ } first, { } last) => $"offsets {first} to {last}",
        ({ } first, null) => $"what came after offset {first} of a log that is gone",
        (null, { } last) => $"what came up to offset {last}",
        _ => "nobody knows what",
    };

    private static void Write(Utf8JsonWriter json, SseItem<string> item, string? topic, long? offset)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, item.EventId);
        json.WriteString("type"u8, item.EventType);
        json.WriteString("topic"u8, topic);
        if (offset is { } known)
        {
            json.WriteNumber("offset"u8, known);
        }
        else
        {
            json.WriteNull("offset"u8);
        }

        json.WriteString("data"u8, item.Data);
        json.WriteEndObject();
    }
}
