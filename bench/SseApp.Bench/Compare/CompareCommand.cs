using SseApp.Bench.Quick;

namespace SseApp.Bench.Compare;

/// <summary><c>compare</c>: SseApp beside the servers that people use instead, in one run on one machine.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var streams = Cli.Number("--streams", "Streams to subjects reached directly.", 9_500, 10, 60_000);
        var proxied = Cli.Number("--proxied-streams", "Streams to subjects behind a proxy.", 5_000, 10, 60_000);
        var size = Cli.Number("--size", "Bytes of data in an event.", 100, 48, 65_529);
        var step = Cli.Number("--step", "Milliseconds of one measurement at saturation; steady loads take four times as long.", 2_500, 250, 60_000);
        var scenarios = Names("--scenarios", "Scenarios to run.", CompareRunner.AllScenarios.Select(scenario => scenario.Name));
        var subjects = Names("--subjects", "Subjects to run.", CompareRunner.AllSubjects);
        var garnet = new Option<bool>("--garnet") { Description = "Garnet as every subject's Redis, also where redis-server is installed." };
        var serverCore = Cli.Number("--server-core", "Core of the servers; -1 for no pinning.", 0, -1, 1_023);
        var generatorCore = Cli.Number("--generator-core", "Core of the generator; -1 for no pinning.", 1, -1, 1_023);
        var output = new Option<string?>("--output") { Description = "Folder for RESULTS.md and results.svg. Default: artifacts/bench." };
        var runs = Cli.Number("--runs", "How often all of it is measured; figures are medians.", 1, 1, 100);
        var add = new Option<bool>("--add") { Description = "Add to what earlier commands with --add measured of the same commit, so that several short ones make one report." };
        var note = new Option<string?>("--note") { Description = "A sentence for the report, such as what else the machine did." };
        var transport = new Option<Transport>("--transport") { Description = "How clients speak to the servers: Plain, Tls (HTTP/1.1 over TLS 1.3, with resumption) or H2 (HTTP/2 over it, a connection a client). With TLS: scenarios fanout, equal, proxy and storm, and the subjects aspnet, sseapp, sseapp-gateway and sseapp-nginx." };
        var quick = new Option<bool>("--quick") { Description = "The main ratios of CPU time in two minutes; of the other options it takes the cores and --garnet." };
        var write = new Option<bool>("--write") { Description = "With --quick: write them to bench/ratios.json." };
        var check = new Option<bool>("--check") { Description = "With --quick: exit code 1 when a ratio is a quarter below that file's." };
        var command = new Command("compare", "Start each server that is installed, load it, and print deliveries/s, CPU, latency, memory and losses side by side.")
        {
            streams, proxied, size, step, scenarios, subjects, garnet, serverCore, generatorCore, output, runs, add, note, transport, quick, write, check,
        };
        command.Validators.Add(result =>
        {
            if (!result.GetValue(quick) && (result.GetValue(write) || result.GetValue(check)))
            {
                result.AddError("--write and --check go with --quick.");
            }

            if (result.GetValue(transport) != Transport.Plain && (result.GetValue(quick) || result.GetValue(add)))
            {
                result.AddError("--transport goes neither with --quick nor with --add: a report is of one transport.");
            }
        });
        command.Runs((result, cancellationToken) =>
        {
            var options = Options(result);
            return result.GetValue(quick)
                ? new QuickRun(options, result.GetValue(write), result.GetValue(check)).RunAsync(cancellationToken)
                : new CompareRunner(options).RunAsync(cancellationToken);
        });
        return command;

        ComparisonOptions Options(ParseResult result) => new(
            result.GetRequiredValue(streams),
            result.GetRequiredValue(proxied),
            result.GetRequiredValue(size),
            TimeSpan.FromMilliseconds(result.GetRequiredValue(step)),
            result.GetValue(scenarios) ?? [],
            result.GetValue(subjects) ?? [],
            result.GetValue(garnet),
            result.GetRequiredValue(serverCore),
            result.GetRequiredValue(generatorCore),
            result.GetValue(output),
            result.GetRequiredValue(runs),
            result.GetValue(add),
            result.GetValue(note),
            result.GetValue(transport));
    }

    private static Option<string[]> Names(string name, string description, IEnumerable<string> known)
    {
        var option = new Option<string[]>(name)
        {
            Description = $"{description} Default: all.",
            AllowMultipleArgumentsPerToken = true,
        };
        option.AcceptOnlyFromAmong([.. known]);
        return option;
    }
}
