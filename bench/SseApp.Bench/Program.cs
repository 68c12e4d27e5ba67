using System.CommandLine;
using SseApp.Bench.Load;

var root = new RootCommand("Load generator for SSE servers. All traffic stays on the address given; every run is bounded.")
{
    LoadCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
