using System.CommandLine;
using SseApp.Bench.Compare;
using SseApp.Bench.Load;

var root = new RootCommand("Load generator and comparison for SSE servers. Every run is bounded.")
{
    LoadCommand.Create(),
    CompareCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
