using System.Diagnostics;
using System.Reflection;
using SseApp.AppHost.Backplane;

namespace SseApp.Tests.Infrastructure;

/// <summary>Garnet with Lua on, from where the AppHost was built to start it.</summary>
public sealed class GarnetServer : BackplaneServer
{
    protected override (ProcessStartInfo? Start, string? SkipReason) Prepare(int port)
    {
        var path = typeof(BackplaneOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "garnetserverpath").Value;
        return File.Exists(path)
            ? (new ProcessStartInfo("dotnet", [path, "--port", $"{port}", "--bind", "127.0.0.1", "--lua", "--lua-transaction-mode", "--memory", "256m", "--index", "16m"])
            {
                WorkingDirectory = Path.GetTempPath(),
            }, null)
            : (null, $"Garnet is not at '{path}' (dotnet tool restore, then build again).");
    }
}
