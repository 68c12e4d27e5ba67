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
        var users = new Option<long>("--users") { Description = "Streams that are open at the busiest moment.", Required = true, HelpName = "number" };
        var events = new Option<double>("--events-per-second") { Description = "Events that are published in a second, in all.", Required = true, HelpName = "number" };
        var bytes = new Option<int>("--bytes") { Description = "Of the data of an event.", Required = true, HelpName = "number" };
        var audience = new Option<double>("--audience") { Description = "The share of the users that gets each event: 1 when all have one topic, 0.001 for one of a thousand rooms.", DefaultValueFactory = _ => 1, HelpName = "share" };
        var topics = new Option<long>("--topics") { Description = "Topics that have a log.", DefaultValueFactory = _ => 1, HelpName = "number" };
        var why = new Option<bool>("--constants") { Description = "Print the numbers that it is calculated from, and where they come from." };
        var command = new Command("size", "Calculates replicas, gateways, machines, memory and limits for a number of users.") { users, events, bytes, audience, topics, why };
        return shared.Alone(command, (parsed, printer) =>
        {
            var input = new SizingInput(
                Within(parsed.GetValue(users), 1, MostUsers, "--users"),
                Within(parsed.GetValue(events), 0, MostEvents, "--events-per-second"),
                (int)Within(parsed.GetValue(bytes), 0, MostBytes, "--bytes"),
                Within(parsed.GetValue(audience), 0, 1, "--audience"),
                Within(parsed.GetValue(topics), 1, MostUsers, "--topics"));
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

    private static T Within<T>(T value, T least, T most, string option)
        where T : IComparable<T>, IFormattable =>
        value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
            ? value
            : throw ToolException.Usage($"{option} is {value.ToString(null, CultureInfo.InvariantCulture)}; it must be from {least.ToString(null, CultureInfo.InvariantCulture)} to {most.ToString(null, CultureInfo.InvariantCulture)}.");

    private static Table Table(SizingResult size)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0, 0, 0, 0) });
        void Row(string name, string value) => table.AddRow(Printer.Cell(name), Printer.Cell(value));

        Row("deliveries", $"{Format.Count((long)size.DeliveriesPerSecond)}/s, in {Format.Count((long)size.WritesPerSecond)} writes/s");
        Row("replicas", $"{size.Replicas} of {size.CoresOfInstance} cores and {Format.Bytes(size.ReplicaMemoryBytes)} (one of them spare; {Format.Rate(size.ReplicaCores)} cores busy at most)");
        Row("gateways", $"{size.Gateways} of {size.CoresOfInstance} cores and {Format.Bytes(size.GatewayMemoryBytes)} (one of them spare; {Format.Rate(size.GatewayCores)} cores busy at most)");
        Row("machines", $"{size.Machines} of {size.CoresOfMachine} cores and {Format.Bytes(size.MachineMemoryBytes)}");
        Row("Redis", $"1 core, maxmemory {Format.Bytes(size.RedisMemoryBytes)}, and a replica of it");
        Row("network to clients", $"{Format.Count((long)Math.Ceiling(size.NetworkMegabitsPerSecond))} Mbit/s in all");
        Row("one replica lost", string.Create(CultureInfo.InvariantCulture, $"its streams are open again within {Math.Ceiling(size.ReconnectSeconds)} s and the wait of each client (retry)"));
        Row("open files of a gateway", Format.Count(size.OpenFiles));
        Row("net.core.somaxconn", size.Somaxconn.ToString(CultureInfo.InvariantCulture));
        Row("net.ipv4.tcp_mem", $"its third number at least {size.TcpMemPages.ToString(CultureInfo.InvariantCulture)} where a gateway runs");
        return table;
    }

    private static Table Constants()
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
