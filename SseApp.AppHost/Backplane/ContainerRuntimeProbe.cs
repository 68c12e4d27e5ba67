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

    public static bool Answers(IConfiguration configuration)
    {
        // The same setting that tells Aspire which runtime to use.
        string[] runtimes = configuration["ASPIRE_CONTAINER_RUNTIME"] is { Length: > 0 } configured ? [configured] : ["docker", "podman"];
        return runtimes.Any(EngineAnswers);
    }

    private static bool EngineAnswers(string runtime)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(runtime, "info")
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
            if (process.WaitForExit(s_timeLimit))
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
