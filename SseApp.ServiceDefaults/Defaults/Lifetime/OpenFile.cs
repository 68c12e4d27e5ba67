namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Whether a file with a key is open to everybody on this machine. In a container there is nobody else, and what is mounted there often has
/// such modes (0644 in Kubernetes, 0777 from Windows); on Windows the folder says who may.
/// </summary>
internal static class OpenFile
{
    private static readonly bool s_isContainer =
        Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") is "true" or "1" || Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 };

    /// <summary>What to do about a file that everybody may write to, to follow its name; null: not everybody may, or there is no such file.</summary>
    public static string? Writable(string path) => Has(path, UnixFileMode.OtherWrite)
        ? "to which everybody on this machine may write: who does is whoever they like. If nobody has written to it, take that right away (chmod o-w)"
        : null;

    /// <summary>The same of one that everybody may read.</summary>
    public static string? Readable(string path) => Has(path, UnixFileMode.OtherRead)
        ? "which everybody on this machine may read, and with it the secret in it. Take that right away (chmod o-r), and replace the secret if somebody else may have read it"
        : null;

    private static bool Has(string path, UnixFileMode right)
    {
        if (OperatingSystem.IsWindows() || s_isContainer)
        {
            return false;
        }

        try
        {
            // A link itself lets everybody do everything.
            var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            return File.Exists(target) && File.GetUnixFileMode(target).HasFlag(right);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it says so.
            return false;
        }
    }
}
