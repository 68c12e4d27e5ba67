namespace SseApp.Bench.Soak;

/// <summary><c>soak</c>: clients that come and go for a long time, and what the services hold meanwhile and afterwards.</summary>
internal static class SoakCommand
{
    private const int Replicas = 3;

    // What the second half of a run may add, and what is left of streams that nobody has.
    private const double MaxGrowth = 1.1;

    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    public static Command Create()
    {
        var minutes = Cli.Number("--minutes", "How long clients come and go.", 60, 2, 24 * 60);
        var rest = Cli.Number("--rest", "Minutes of rest afterwards.", 10, 1, 120);
        var rate = Cli.Number("--rate", "Clients that come each second.", 90, 1, 1_000);
        var topics = Cli.Number("--topics", "Topics that they choose from.", 300, 1, 10_000);
        var events = Cli.Number("--events", "Events a second.", 100, 1, 2_000);
        var command = new Command("soak", $"Clients that open, read and leave (closed, reset, half closed) through a gateway before {Replicas} replicas: memory, open files, threads and gauges each minute, and after a rest.")
        {
            minutes, rest, rate, topics, events,
        };
        command.Runs((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(minutes), result.GetRequiredValue(rest), result.GetRequiredValue(rate), result.GetRequiredValue(topics), result.GetRequiredValue(events), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int minutes, int rest, int rate, int topics, int events, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(garnet: false);
        using var cluster = new SoakCluster(workspace);
        cluster.Require();
        try
        {
            var target = await cluster.StartAsync(Replicas, cancellationToken);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using var clients = new SoakClients(target.Url, rate, topics, events, over.Token);
            var running = clients.RunAsync();
            var samples = new List<IReadOnlyList<SoakSample>>();
            Console.WriteLine("| minute | process | resident MiB | committed by the collector | in use after a collection | open files | threads | streams |");
            Console.WriteLine("|---:|---|---:|---:|---:|---:|---:|---:|");
            for (var minute = 0; minute <= minutes; minute++)
            {
                samples.Add(await cluster.SampleAsync(cancellationToken));
                Write(minute.ToString(CultureInfo.InvariantCulture), samples[^1]);
                if (minute < minutes)
                {
                    await Task.Delay(s_minute, TimeProvider.System, cancellationToken);
                }
            }

            await over.CancelAsync();
            await running;
            for (var minute = 1; minute <= rest; minute++)
            {
                await Task.Delay(s_minute, TimeProvider.System, cancellationToken);
            }

            samples.Add(await cluster.SampleAsync(cancellationToken));
            Write($"rest {rest}", samples[^1]);
            return Judge(clients, samples, minutes);
        }
        finally
        {
            await cluster.StopAsync();
            cluster.Close();
        }
    }

    private static int Judge(SoakClients clients, List<IReadOnlyList<SoakSample>> samples, int minutes)
    {
        var good = clients.Failed == 0;
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clients.Opened} streams opened, {clients.BytesRead / 1e6:0.0} MB read, {clients.Published} events published, {clients.Failed} failures{(clients.FirstFailure is { } first ? $" (the first: {first})" : "")}"));
        foreach (var (number, end) in samples[minutes].Index())
        {
            // Of a minute each may be before or after a collection.
            var half = samples[(minutes / 2)..(minutes / 2 + 2)].Max(sample => sample[number].Resident);
            var rested = samples[^1][number];
            var flat = end.Resident <= half * MaxGrowth;
            good &= flat && rested.Streams == 0;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{end.Process}: {half:0} MiB at half time, {end.Resident:0} at the end ({(flat ? "flat" : "GROWS")}), {rested.Resident:0} after the rest; open files {samples[0][number].Files}, {end.Files}, {rested.Files}; streams after the rest {rested.Streams:0}"));
        }

        return good ? 0 : 1;
    }

    private static void Write(string minute, IReadOnlyList<SoakSample> samples)
    {
        foreach (var sample in samples)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {minute} | {sample.Process} | {sample.Resident:0} | {sample.Committed:0} | {sample.Heap:0} | {sample.Files} | {sample.Threads} | {sample.Streams:0} |"));
        }
    }
}
