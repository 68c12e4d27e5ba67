namespace SseApp.Bench.Compare;

/// <param name="Streams">Streams to subjects that are reached directly.</param>
/// <param name="ProxiedStreams">Streams to subjects behind a proxy, which holds two sockets for each.</param>
/// <param name="Size">Bytes of data in an event.</param>
/// <param name="Step">Length of one measurement at saturation; steady loads take four times as long.</param>
/// <param name="Scenarios">Names; empty for all.</param>
/// <param name="Subjects">Names; empty for all.</param>
/// <param name="Garnet">Garnet as the Redis of every subject, also where redis-server is installed.</param>
/// <param name="ServerCore">Core of the servers, or -1 for no pinning.</param>
/// <param name="GeneratorCore">Core of this process, or -1 for no pinning.</param>
/// <param name="Output">Folder for RESULTS.md and results.svg.</param>
/// <param name="Runs">How often all of it is measured.</param>
/// <param name="Add">To what earlier commands measured of the same commit.</param>
/// <param name="Note">Free text for the report, such as what else the machine did.</param>
/// <param name="Transport">How clients speak to the servers.</param>
internal sealed record ComparisonOptions(
    int Streams,
    int ProxiedStreams,
    int Size,
    TimeSpan Step,
    string[] Scenarios,
    string[] Subjects,
    bool Garnet,
    int ServerCore,
    int GeneratorCore,
    string? Output,
    int Runs,
    bool Add,
    string? Note,
    Transport Transport = Transport.Plain);
