using SseApp.AppHost.Supervision;

namespace SseApp.AppHost.Monitoring;

/// <summary>
/// Tells Prometheus where each process answers operators. Each replica has a port of its own, known when it has started; the one
/// in the model is a proxy's, behind which each scrape would come to another replica.
/// </summary>
/// <param name="files">Where they are written.</param>
/// <param name="services">The resources that are scraped, with the file for each.</param>
/// <param name="host">How Prometheus calls this machine.</param>
/// <param name="alertmanager">Null: there is none.</param>
/// <param name="notifications">What is known of resources.</param>
/// <param name="lifetime">Ends this before the resources end.</param>
internal sealed class TargetsWriter(
    MonitoringFiles files,
    IReadOnlyDictionary<IResource, string> services,
    string host,
    EndpointReference? alertmanager,
    ResourceNotificationService notifications,
    IHostApplicationLifetime lifetime) : BackgroundService
{
    private readonly Dictionary<string, SortedDictionary<string, string?>> _written = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        var instances = new Dictionary<string, (string File, string Address, string? Name)>(StringComparer.Ordinal);
        try
        {
            await foreach (var change in notifications.WatchAsync(stopping.Token))
            {
                if (alertmanager is { IsAllocated: true } && !_written.ContainsKey(MonitoringFiles.Alertmanagers))
                {
                    Write(MonitoringFiles.Alertmanagers, [new(await AuthorityAsync(alertmanager, stopping.Token), null)]);
                }

                // One that has ended stays: that it does not answer is what is to be seen.
                if (services.TryGetValue(change.Resource, out var file) && AddressOf(change.Snapshot) is { } address)
                {
                    instances[change.ResourceId] = (file, $"{host}:{address.Port}", ReplicaName.Of(change.Snapshot));
                    Write(file, instances.Values.Where(instance => instance.File == file).Select(instance => KeyValuePair.Create(instance.Address, instance.Name)));
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The AppHost stops.
        }
    }

    private static Uri? AddressOf(CustomResourceSnapshot snapshot) =>
        Uri.TryCreate(snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == "Admin__Urls")?.Value, UriKind.Absolute, out var address) ? address : null;

    private async Task<string> AuthorityAsync(EndpointReference endpoint, CancellationToken cancellationToken)
    {
        // In a container Prometheus reaches the other one by its name.
        var network = host == MonitoringExtensions.Loopback ? KnownNetworkIdentifiers.LocalhostNetwork : KnownNetworkIdentifiers.DefaultAspireContainerNetwork;
        return await endpoint.Property(EndpointProperty.HostAndPort).GetValueAsync(new ValueProviderContext { Network = network }, cancellationToken) ?? "";
    }

    private void Write(string file, IEnumerable<KeyValuePair<string, string?>> targets)
    {
        var sorted = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (address, name) in targets)
        {
            sorted[address] = name;
        }

        if (!_written.TryGetValue(file, out var written) || !written.SequenceEqual(sorted))
        {
            files.Replace(file, sorted);
            _written[file] = sorted;
        }
    }
}
