using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// A closed terminal or SSH session, or the habit to reload a server with SIGHUP, ends a service as SIGTERM does, drain included;
/// the platform would end it at once.
/// </summary>
internal static class HangUp
{
    /// <returns>What must live as long as this is to be so; null when whoever started the process wants it to go on (nohup).</returns>
    public static IDisposable? Stops(IHostApplicationLifetime lifetime) => IsIgnored() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        lifetime.StopApplication();
    });

    private static bool IsIgnored()
    {
        const string Name = "SigIgn:";
        return OperatingSystem.IsLinux()
            && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal)) is { } line
            // A bit for each signal; SIGHUP is the first.
            && ulong.TryParse(line.AsSpan(Name.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var ignored) && (ignored & 1) != 0;
    }
}
