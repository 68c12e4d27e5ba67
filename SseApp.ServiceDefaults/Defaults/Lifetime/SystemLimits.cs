using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Limits and signals of the system at which a process would end although it could go on.</summary>
internal static class SystemLimits
{
    private const PosixSignal User1 = (PosixSignal)10;
    private const PosixSignal User2 = (PosixSignal)12;
    private const PosixSignal FileTooLarge = (PosixSignal)25;

    /// <summary>
    /// Lets the platform look at files instead of asking to be told of changes. Linux has 128 instances of inotify for all processes of
    /// a user, and the host takes some for settings files that <see cref="SettingsReload"/> reads by itself: where others have used them
    /// up, no service would start.
    /// </summary>
    public static void TakeNoWatchers() => Environment.SetEnvironmentVariable("DOTNET_USE_POLLING_FILE_WATCHER", "true");

    /// <summary>
    /// A write beyond the largest file that the process may have (<c>LimitFSIZE=</c>, <c>ulimit -f</c>), to the access log or to standard
    /// output, fails as one to a full disk does. The system's signal would end the process, and all its streams; and so would those by which
    /// programs of logrotate and PM2 ask servers for what is done here without being asked.
    /// </summary>
    /// <returns>What must live as long as this is to be so; null where there is no such limit.</returns>
    public static IDisposable? OutliveSignals() => OperatingSystem.IsLinux()
        ? new Registrations([.. new[] { FileTooLarge, User1, User2 }.Select(signal => PosixSignalRegistration.Create(signal, static context => context.Cancel = true))])
        : null;

    private sealed class Registrations(PosixSignalRegistration[] all) : IDisposable
    {
        public void Dispose() => Array.ForEach(all, static one => one.Dispose());
    }
}
