using SseApp.Bench.Compare;

namespace SseApp.Bench.Archive;

/// <summary><c>archive</c>: what a history in a database costs publishes, how fast it is written, and how fast it is read.</summary>
internal static class ArchiveCommand
{
    private const string Publishing = "publish";
    private const string Latency = "latency";
    private const string Backlog = "backlog";
    private const string Reading = "read";

    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "Fewer rounds and events: whether it runs, not how fast." };
        var parts = new Option<string[]>("--parts") { Description = "What to measure. Default: all; latency is the first half of publish alone.", AllowMultipleArgumentsPerToken = true };
        parts.AcceptOnlyFromAmong(Publishing, Latency, Backlog, Reading);
        var rounds = Cli.Number("--rounds", "Rounds of publishes.", 6, 2, 100);
        var serverCore = Cli.Number("--server-core", "Core of Redis and the replicas.", 0, 0, 1_023);
        var generatorCore = Cli.Number("--generator-core", "Core of the generator and PostgreSQL.", 1, 0, 1_023);
        var command = new Command("archive", "Measure publishes without and with an archive, how fast a backlog is archived, and how fast clients that are far behind read it.")
        {
            quick, parts, rounds, serverCore, generatorCore,
        };
        command.Runs((result, cancellationToken) => RunAsync(
            result.GetValue(quick), result.GetValue(parts) is { Length: > 0 } chosen ? chosen : [Publishing, Backlog, Reading],
            result.GetRequiredValue(rounds), result.GetRequiredValue(serverCore), result.GetRequiredValue(generatorCore), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(bool quick, string[] parts, int rounds, int serverCore, int generatorCore, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(garnet: false);
        using var cluster = new ArchiveCluster(workspace, serverCore, generatorCore);
        cluster.Require();
        Libc.RequireFiles(ArchiveReads.Clients, $"{ArchiveReads.Clients} streams", "the clients");
        Preflight.Pin(generatorCore);
        try
        {
            await cluster.StartAsync(1, cancellationToken);
            using var writes = new ArchiveWrites(cluster, quick, rounds, cancellationToken);
            var rows = new ArchiveReport();
            var saturate = parts.Contains(Publishing, StringComparer.Ordinal);
            if (saturate || parts.Contains(Latency, StringComparer.Ordinal))
            {
                await writes.PublishAsync(rows, saturate);
            }

            if (parts.Contains(Backlog, StringComparer.Ordinal))
            {
                await writes.CatchUpAsync(rows);
            }

            if (parts.Contains(Reading, StringComparer.Ordinal))
            {
                using var reads = new ArchiveReads(cluster, quick, writes.Archived, cancellationToken);
                await reads.RunAsync(rows);
            }

            return rows.Write(workspace) ? 0 : 1;
        }
        finally
        {
            await cluster.EndAsync();
        }
    }
}
