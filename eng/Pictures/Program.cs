using System.CommandLine;
using SseApp.Bench;
using SseApp.Pictures;

Option<int> streams = new("--streams") { Description = "Streams to hold open.", DefaultValueFactory = _ => 3_000 };
Option<int> runs = new("--runs") { Description = "How often a replica is killed; each time it comes back, and all streams are opened anew.", DefaultValueFactory = _ => 1 };
Option<string?> folder = new("--folder") { Description = "Where the pictures go; none are taken without it." };
RootCommand command = new(
    "Starts a cluster with load, kills a replica, compares what the Aspire dashboard, Prometheus and the console say, and takes their pictures for the docs. Exit code 1: they differ by more than 2 %, or were late.")
{
    streams, runs, folder,
};
command.SetAction(async (result, cancellationToken) =>
{
    try
    {
        return await new Session(result.GetValue(streams), result.GetValue(runs), result.GetValue(folder)).RunAsync(cancellationToken);
    }
    catch (Exception exception) when (exception is BenchException or TimeoutException or InvalidOperationException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();
