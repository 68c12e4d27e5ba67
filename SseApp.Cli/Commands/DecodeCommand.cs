using SseApp.Cli.Output;
using SseApp.Cli.Positions;

namespace SseApp.Cli.Commands;

/// <summary><c>sse decode</c>: the id of an event as text. It asks nobody.</summary>
internal static class DecodeCommand
{
    public static Command Create(Shared shared)
    {
        var id = new Argument<string>("id") { Description = "As it stands behind 'id:' in a stream." };
        var topic = new Option<string[]>("--topic")
        {
            Description = "A topic of the stream that the id came from; name all of them. An id has no names, and tells others from these.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "topic",
        };
        return shared.Alone(new Command("decode", "Says what the id of an event stands for: an offset for each topic of its stream.") { id, topic }, (parsed, printer) =>
        {
            var decoded = DecodedId.Of(parsed.GetValue(id)!, parsed.GetValue(topic) ?? []);
            if (printer.IsJson)
            {
                printer.Json(json => Write(json, decoded));
                return ExitCode.Ok;
            }

            for (var reading = 0; reading < decoded.Readings.Count; reading++)
            {
                if (reading > 0)
                {
                    printer.Line("or, of another number of topics:");
                }

                var table = Printer.Table("TOPIC", "OFFSET#", "EPOCH MARK");
                var positions = decoded.Readings[reading];
                for (var slot = 0; slot < positions.Length; slot++)
                {
                    table.AddRow(
                        Printer.Cell(decoded.Topics?[slot] ?? $"#{(slot + 1).ToString(CultureInfo.InvariantCulture)}"),
                        Printer.Cell(Format.Count(positions[slot].Offset)),
                        Printer.Cell(Mark(positions[slot].Mark, decoded.MarkBits[reading])));
                }

                printer.Write(table);
            }

            return ExitCode.Ok;
        });
    }

    private static string Mark(uint mark, int bits) =>
        mark == 0 ? "no log yet" : string.Create(CultureInfo.InvariantCulture, $"{mark:x} ({bits} bits)");

    private static void Write(Utf8JsonWriter json, DecodedId decoded)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, decoded.Id);
        json.WriteStartArray("readings"u8);
        for (var reading = 0; reading < decoded.Readings.Count; reading++)
        {
            json.WriteStartArray();
            var positions = decoded.Readings[reading];
            for (var slot = 0; slot < positions.Length; slot++)
            {
                json.WriteStartObject();
                json.WriteString("topic"u8, decoded.Topics?[slot]);
                json.WriteNumber("offset"u8, positions[slot].Offset);
                json.WriteNumber("epochMark"u8, positions[slot].Mark);
                json.WriteNumber("epochMarkBits"u8, decoded.MarkBits[reading]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
