using SseApp.Cli.Output;
using SseApp.Cli.Sizing;

namespace SseApp.Cli.Commands;

/// <summary><c>sse size</c>: what a number of users needs. It asks nobody.</summary>
internal static class SizeCommand
{
    private const long MostUsers = 100_000_000;
    private const double MostEvents = 1_000_000;
    private const int MostBytes = 16 * 1024 * 1024;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    public static Command Create(Shared shared)
    {
        var users = Described(Numbers.Whole("--users", 1, MostUsers), "Streams that are open at the busiest moment.");
        var events = Described(Numbers.Real("--events-per-second", 0, MostEvents), "Events that are published in a second, in all.");
        var bytes = Described(Numbers.Whole("--bytes", 0, MostBytes), "Of the data of an event.");
        var audience = Described(Numbers.Real("--audience", 0, 1), "The share of the users that gets each event: 1 when all have one topic, 0.001 for one of a thousand rooms.", 1);
        var topics = Described(Numbers.Whole("--topics", 1, MostUsers), "Topics that have a log.", 1);
        var why = new Option<bool>("--constants") { Description = "Print the numbers that it is calculated from, and where they come from." };
        var command = new Command("size", "Calculates replicas, gateways, machines, memory and limits for a number of users.") { users, events, bytes, audience, topics, why };
        return shared.Alone(command, (parsed, printer) =>
        {
            var input = new SizingInput(
                parsed.GetValue(users)!.Value,
                parsed.GetValue(events)!.Value,
                (int)parsed.GetValue(bytes)!.Value,
                parsed.GetValue(audience)!.Value,
                parsed.GetValue(topics)!.Value);
            var result = SizingModel.Calculate(input);
            var isWhy = parsed.GetValue(why);
            if (printer.IsJson)
            {
                printer.Json(json => Write(json, result, isWhy));
            }
            else
            {
                printer.Write(Table(result));
                if (isWhy)
                {
                    printer.Line("");
                    printer.Write(Constants());
                }
            }

            return ExitCode.Ok;
        });
    }

    private static Option<T?> Described<T>(Option<T?> option, string description, T? otherwise = null)
        where T : struct
    {
        option.Description = description;
        option.Required = otherwise is null;
        option.DefaultValueFactory = otherwise is null ? null : _ => otherwise;
        return option;
    }

    private static Sheet Table(SizingResult size)
    {
        var table = Printer.Pairs();
        void Row(string name, string value) => table.AddRow(Printer.Cell(name), Printer.Cell(value));

        Row("deliveries", $"{Format.Count((long)size.DeliveriesPerSecond)}/s, in {Format.Count((long)size.WritesPerSecond)} writes/s");
        Row("replicas", $"{size.Replicas} of {size.CoresOfInstance} cores and {Format.Bytes(size.ReplicaMemoryBytes)} (one of them spare; {Format.Rate(size.ReplicaCores)} cores busy at most)");
        Row("gateways", $"{size.Gateways} of {size.CoresOfInstance} cores and {Format.Bytes(size.GatewayMemoryBytes)} (one of them spare; {Format.Rate(size.GatewayCores)} cores busy at most)");
        Row("machines", $"{size.Machines} of {size.CoresOfMachine} cores and {Format.Bytes(size.MachineMemoryBytes)}, for replicas and gateways");
        Row("Redis", $"2 machines of 1 core and {Format.Bytes(size.RedisMachineMemoryBytes)} with maxmemory {Format.Bytes(size.RedisMemoryBytes)} (one of them a replica)");
        Row("network to clients", $"{Format.Count((long)Math.Ceiling(size.NetworkMegabitsPerSecond))} Mbit/s in all");
        Row("one replica lost", string.Create(CultureInfo.InvariantCulture, $"its streams are open again within {Math.Ceiling(size.ReconnectSeconds)} s and the wait of each client (retry)"));
        Row("open files of a gateway", Format.Count(size.OpenFiles));
        Row("net.core.somaxconn", size.Somaxconn.ToString(CultureInfo.InvariantCulture));
        Row("net.ipv4.tcp_mem", $"its third number at least {size.TcpMemPages.ToString(CultureInfo.InvariantCulture)} where a gateway runs");
        return table;
    }

    private static Sheet Constants()
    {
        var table = Printer.Table("CONSTANT", "VALUE#", "UNIT", "SOURCE");
        foreach (var constant in SizingModel.Constants)
        {
            table.AddRow(Printer.Cell(constant.Name), Printer.Cell(constant.Value.ToString("#,0.##", CultureInfo.InvariantCulture)), Printer.Cell(constant.Unit), Printer.Cell(constant.Source));
        }

        return table;
    }

    private static void Write(Utf8JsonWriter json, SizingResult size, bool isWhy)
    {
        var members = JsonSerializer.SerializeToElement(size, s_json);
        json.WriteStartObject();
        foreach (var member in members.EnumerateObject())
        {
            member.WriteTo(json);
        }

        if (isWhy)
        {
            json.WritePropertyName("constants"u8);
            JsonSerializer.Serialize(json, SizingModel.Constants, s_json);
        }

        json.WriteEndObject();
    }
}
