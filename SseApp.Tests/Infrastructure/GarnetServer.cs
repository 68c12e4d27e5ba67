using SseApp.AppHost.Backplane;

namespace SseApp.Tests.Infrastructure;

/// <summary>Garnet with Lua on, started as the AppHost does.</summary>
public sealed class GarnetServer : BackplaneServer
{
    private readonly string _memory;

    public GarnetServer()
        : this("256m")
    {
    }

    internal GarnetServer(string memory) => _memory = memory;

    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => !File.Exists(GarnetServerExtensions.ServerPath)
        ? (null, "The build had no package of garnet-server.")
        : (new ProcessStartInfo("dotnet", [GarnetServerExtensions.ServerPath, "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--expired-key-deletion-scan-freq", "1", "--memory", _memory, "--index", "16m"])
        {
            WorkingDirectory = Path.GetTempPath(),
        }, null);
}
