using System.Diagnostics;

namespace SseApp.Tests.Infrastructure;

/// <summary>Garnet from the tool manifest, with Lua on, started as the AppHost does.</summary>
public sealed class GarnetServer : BackplaneServer
{
    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => Repository.Root is null
        ? (null, "The tests do not run inside the repository, so there is no tool manifest with garnet-server.")
        : (new ProcessStartInfo("dotnet", ["tool", "run", "garnet-server", "--", "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "256m", "--index", "16m"])
        {
            WorkingDirectory = Repository.Root,
        }, null);
}
