using System.ComponentModel;
using System.Diagnostics;

namespace SseApp.AppHost.Backplane;

/// <summary>
/// Asks the container runtimes that Aspire can drive whether their engine answers. An installed client without a
/// running engine (common with Docker) counts as no runtime.
/// </summary>
internal static class ContainerRuntimeProbe
{
    private static readonly TimeSpan s_timeLimit = TimeSpan.FromSeconds(5);

    // As long as a slow line takes for 50 MB.
    private static readonly TimeSpan s_pullLimit = TimeSpan.FromMinutes(2);

    /// <summary>The runtimes whose engine answers. Each is asked anew whenever the list is gone through.</summary>
    public static IEnumerable<string> Answering(IConfiguration configuration)
    {
        // The same setting that tells Aspire which runtime to use.
        string[] runtimes = configuration["ASPIRE_CONTAINER_RUNTIME"] is { Length: > 0 } configured ? [configured] : ["docker", "podman"];
        return runtimes.Where(static runtime => Succeeds(runtime, ["info"], s_timeLimit));
    }

    /// <summary>Whether the runtime has the image now; it is fetched if it can be.</summary>
    public static bool HasImage(string runtime, string image) =>
        Succeeds(runtime, ["image", "inspect", image], s_timeLimit) || Succeeds(runtime, ["pull", image], s_pullLimit);

    private static bool Succeeds(string runtime, string[] arguments, TimeSpan limit)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(runtime, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            });
            if (process is null)
            {
                return false;
            }

            // Both pipes are emptied meanwhile: a full one would hold the process up until the time limit.
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            if (process.WaitForExit(limit))
            {
                return process.ExitCode == 0;
            }

            process.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            // Not installed.
            return false;
        }
    }
}
