using SseApp.Bench.Access;
using SseApp.Bench.Archive;
using SseApp.Bench.Compare;
using SseApp.Bench.During;
using SseApp.Bench.Greedy;
using SseApp.Bench.Load;
using SseApp.Bench.Masters;
using SseApp.Bench.Reload;
using SseApp.Bench.Soak;

var root = new RootCommand("Load generator and comparison for SSE servers. Every run is bounded.")
{
    LoadCommand.Create(),
    CompareCommand.Create(),
    ReloadCommand.Create(),
    GreedyCommand.Create(),
    AccessCommand.Create(),
    ArchiveCommand.Create(),
    DuringCommand.Create(),
    SoakCommand.Create(),
    MastersCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
