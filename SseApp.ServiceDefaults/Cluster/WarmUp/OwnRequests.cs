using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.WarmUp;

/// <summary>What a service asks itself.</summary>
internal static class OwnRequests
{
    /// <param name="client">Whose base address is the service.</param>
    /// <param name="method">Of the request.</param>
    /// <param name="target">Path and query.</param>
    public static HttpRequestMessage Create(HttpClient client, HttpMethod method, string target)
    {
        var request = new HttpRequestMessage(method, new Uri(client.BaseAddress!, target))
        {
            // Over TLS the server has the choice, as it has with browsers.
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrHigher,
        };
        request.Options.Set(RequestTracing.Untraced, true);
        return request;
    }

    /// <summary>Waits until the service listens.</summary>
    public static async Task StartedAsync(this IHostApplicationLifetime application, CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = application.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(cancellationToken);
    }
}
