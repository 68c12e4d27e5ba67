using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

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

    /// <summary>Whether a runtime answers, and one of them has the image of a resource, or can fetch it.</summary>
    /// <param name="configuration">See <see cref="Answering"/>.</param>
    /// <param name="add">Adds the resource to an application of its own: its image is known to its package alone.</param>
    public static ContainerImage Find(IConfiguration configuration, Func<IDistributedApplicationBuilder, IResource> add)
    {
        string[] runtimes = [.. Answering(configuration)];
        if (runtimes.Length == 0)
        {
            return default;
        }

        _ = add(DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true })).TryGetContainerImageName(out var image);
        return new ContainerImage(image, runtimes.Any(runtime => HasImage(runtime, image!)));
    }

    /// <summary>Whether the runtime has the image now; it is fetched if it can be.</summary>
    private static bool HasImage(string runtime, string image) =>
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

/// <summary>The image of a resource.</summary>
/// <param name="Name">Its name; null when no container runtime answers.</param>
/// <param name="IsThere">A runtime has it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ContainerImage(string? Name, bool IsThere);
