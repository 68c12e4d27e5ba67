using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.AppHost.Supervision;

/// <summary>Exit codes in words.</summary>
internal static class ExitReason
{
    // A shell, and "dotnet run", report a signal as 128 and its number.
    private const int SignalBase = 128;

    // What the orchestrator reports when a signal ended the program that it started itself.
    private const int KilledBySignal = -1;

    public static string Describe(int? exitCode) => exitCode switch
    {
        null => "ended",
        0 => "ended by itself",
        ExitCodes.Restart => "reload",
        ExitCodes.MemoryGuard => "memory limit",
        SignalBase + 4 => "illegal instruction",
        SignalBase + 6 => "aborted",
        KilledBySignal or SignalBase + 9 => "killed",
        SignalBase + 11 => "segmentation fault",
        SignalBase + 15 => "terminated",
        { } code => string.Create(CultureInfo.InvariantCulture, $"exit code {code}"),
    };
}
