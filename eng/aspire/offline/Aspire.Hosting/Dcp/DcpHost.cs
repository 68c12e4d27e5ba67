using System.Collections;
using System.Diagnostics;
using System.Text;
using k8s;
using k8s.Exceptions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using YamlDotNet.Core;

namespace Aspire.Hosting.Dcp;

/// <summary>Starts the engine beside this process and connects to it.</summary>
internal sealed class DcpHost(IOptions<DcpOptions> options, TimeProvider timeProvider, ILogger<DcpHost> logger) : IDisposable
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(50);

    // The AppHost's own addresses and environment names must not become those of every service it starts.
    private static readonly HashSet<string> s_notInherited = new(StringComparer.OrdinalIgnoreCase)
    {
        "ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "DOTNET_LAUNCH_PROFILE", "ASPIRE_LOGLEVEL",
    };

    private readonly DcpSession _session = new();
    private DcpClient? _client;

    public DcpClient Client => _client ?? throw new InvalidOperationException("The engine has not been started.");

    public bool IsStarted => _client is not null;

    /// <exception cref="DistributedApplicationException">The engine is missing, or did not come up in time.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var path = DcpExecutablePath.Require(options.Value);
        var errors = await LaunchAsync(path, cancellationToken);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.StartTimeoutSeconds), timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            _client = new DcpClient(await ReadKubeconfigAsync(linked.Token));
            await _client.ListAsync<Model.Service>(linked.Token);
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new DistributedApplicationException(
                $"The orchestrator '{path}' did not answer within {options.Value.StartTimeoutSeconds} s " +
                $"(connection file '{_session.KubeconfigPath}'). Its output: {errors}".TrimEnd(),
                exception);
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _session.Dispose();
    }

    private async Task<string> LaunchAsync(string path, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(path)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var argument in Arguments())
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable is { Key: string key, Value: string value } && !s_notInherited.Contains(key))
            {
                start.Environment[key] = value;
            }
        }

        // The engine deletes this folder when it ends, also after a kill -9 of this process.
        start.Environment["DCP_SESSION_FOLDER"] = _session.Folder;
        DcpLog.StartingDcp(logger, path, string.Join(' ', start.ArgumentList));
        using var process = Process.Start(start) ?? throw new DistributedApplicationException($"The orchestrator '{path}' could not be started.");
        process.StandardInput.Close();

        // With --detach the launcher forks and ends; the fork keeps no pipe of ours.
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.StartTimeoutSeconds), timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (!process.HasExited)
            {
                await Task.Delay(s_pollInterval, timeProvider, linked.Token);
            }
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new DistributedApplicationException($"The orchestrator '{path}' did not detach within {options.Value.StartTimeoutSeconds} s. Its output: {output}", exception);
        }

        return process.ExitCode == 0
            ? output.ToString()
            : throw new DistributedApplicationException($"The orchestrator '{path}' ended with exit code {process.ExitCode}: {output}");
    }

    private IEnumerable<string> Arguments()
    {
        yield return "start-apiserver";
        yield return "--monitor";
        yield return Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        yield return "--detach";
        yield return "--kubeconfig";
        yield return _session.KubeconfigPath;
        if (!string.IsNullOrWhiteSpace(options.Value.ContainerRuntime))
        {
            yield return "--container-runtime";
            yield return options.Value.ContainerRuntime;
        }
    }

    private static void Append(StringBuilder output, string? line)
    {
        if (line is not null)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }

    // The engine writes the file after its start, not atomically: half a file is not YAML yet.
    private async Task<KubernetesClientConfiguration> ReadKubeconfigAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (File.Exists(_session.KubeconfigPath))
            {
                try
                {
                    await using var file = new FileStream(_session.KubeconfigPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                    return await KubernetesClientConfiguration.BuildConfigFromConfigFileAsync(file);
                }
                catch (Exception exception) when (exception is KubeConfigException or YamlException or IOException)
                {
                    DcpLog.KubeconfigNotReady(logger, _session.KubeconfigPath, exception.Message);
                }
            }

            await Task.Delay(s_pollInterval, timeProvider, cancellationToken);
        }
    }
}
