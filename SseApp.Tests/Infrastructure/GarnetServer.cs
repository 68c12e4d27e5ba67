using SseApp.AppHost.Backplane;

namespace SseApp.Tests.Infrastructure;

/// <summary>Garnet with Lua on, started as the AppHost does.</summary>
public sealed class GarnetServer : BackplaneServer
{
    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port) => !File.Exists(GarnetServerExtensions.ServerPath)
        ? (null, "The build had no package of garnet-server.")
        : (new ProcessStartInfo("dotnet", [GarnetServerExtensions.ServerPath, "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "256m", "--index", "16m"])
        {
            WorkingDirectory = Path.GetTempPath(),
        }, null);
}
