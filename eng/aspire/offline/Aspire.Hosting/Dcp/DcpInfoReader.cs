using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dcp;

/// <summary>Asks the engine, before it runs, what it finds on this machine.</summary>
internal sealed class DcpInfoReader(IOptions<DcpOptions> options, TimeProvider timeProvider)
{
    /// <exception cref="DistributedApplicationException">The engine is missing or gave no usable answer in time.</exception>
    public async Task<DcpInfo> ReadAsync(CancellationToken cancellationToken)
    {
        var path = DcpExecutablePath.Require(options.Value);
        var start = new ProcessStartInfo(path) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add("info");
        if (!string.IsNullOrWhiteSpace(options.Value.ContainerRuntime))
        {
            start.ArgumentList.Add("--container-runtime");
            start.ArgumentList.Add(options.Value.ContainerRuntime);
        }

        using var process = Process.Start(start) ?? throw new DistributedApplicationException($"The orchestrator '{path}' could not be started.");
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.StartTimeoutSeconds), timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(linked.Token);
            var errors = process.StandardError.ReadToEndAsync(linked.Token);
            await process.WaitForExitAsync(linked.Token);
            return JsonSerializer.Deserialize<DcpInfo>(await output, JsonSerializerOptions.Web)
                ?? throw new JsonException($"'dcp info' printed nothing: {await errors}");
        }
        catch (JsonException exception)
        {
            throw new DistributedApplicationException($"'{path} info' gave no usable answer: {exception.Message}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new DistributedApplicationException($"'{path} info' did not answer within {options.Value.StartTimeoutSeconds} s.", exception);
        }
    }
}
