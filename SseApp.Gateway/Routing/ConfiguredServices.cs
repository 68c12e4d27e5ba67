using Microsoft.Extensions.Primitives;
using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Routing;

/// <summary>
/// What section <c>ReverseProxy</c> adds to the replicas. YARP takes the configurations of all providers or none: one
/// that is not valid would keep it from every later change of the replicas, too. So a change of the section is looked at
/// here first, and one that is not valid is reported and left out; the one before it stays. At the start it stops the program.
/// </summary>
internal sealed partial class ConfiguredServices : IProxyConfigProvider, IDisposable
{
    private readonly IProxyConfigProvider _section;
    private readonly IConfigValidator _validator;
    private readonly IProxyConfigFilter[] _filters;
    private readonly ILogger<ConfiguredServices> _logger;
    private readonly IDisposable _watch;
    private ExpiringProxyConfig _config;

    public ConfiguredServices(IProxyConfigProvider section, IConfigValidator validator, IEnumerable<IProxyConfigFilter> filters, ILogger<ConfiguredServices> logger)
    {
        _section = section;
        _validator = validator;
        _filters = [.. filters];
        _logger = logger;
        var first = section.GetConfig();
        _config = new ExpiringProxyConfig(first.Routes, first.Clusters);
        _watch = ChangeToken.OnChange(() => section.GetConfig().ChangeToken, () => _ = UpdateAsync());
    }

    public IProxyConfig GetConfig() => Volatile.Read(ref _config);

    public void Dispose() => _watch.Dispose();

    private async Task UpdateAsync()
    {
        try
        {
            var next = _section.GetConfig();
            var faults = await FaultsAsync(next);
            if (faults.Count > 0)
            {
                LogNotValid(string.Join(' ', faults.Select(fault => fault.Message)));
                return;
            }

            var replaced = Interlocked.Exchange(ref _config, new ExpiringProxyConfig(next.Routes, next.Clusters));
            replaced.Expire();
        }
#pragma warning disable CA1031 // Nobody awaits this: what goes wrong is reported, and the configuration stays.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogNotValid(exception.Message);
        }
    }

    private async Task<List<Exception>> FaultsAsync(IProxyConfig config)
    {
        var faults = new List<Exception>();
        faults.AddRange(config.Routes.Where(route => IsReserved(route.RouteId)).Select(route => Reserved("route", route.RouteId)));
        faults.AddRange(config.Clusters.Where(cluster => IsReserved(cluster.ClusterId)).Select(cluster => Reserved("cluster", cluster.ClusterId)));
        var clusters = new Dictionary<string, ClusterConfig>(StringComparer.OrdinalIgnoreCase);
        foreach (var configured in config.Clusters)
        {
            var cluster = configured;
            foreach (var filter in _filters)
            {
                cluster = await filter.ConfigureClusterAsync(cluster, CancellationToken.None);
            }

            clusters[cluster.ClusterId] = cluster;
            faults.AddRange(await _validator.ValidateClusterAsync(cluster));
        }

        foreach (var configured in config.Routes)
        {
            var route = configured;
            foreach (var filter in _filters)
            {
                route = await filter.ConfigureRouteAsync(route, clusters.GetValueOrDefault(route.ClusterId ?? ""), CancellationToken.None);
            }

            faults.AddRange(await _validator.ValidateRouteAsync(route));
        }

        return faults;
    }

    private static bool IsReserved(string? id) =>
        string.Equals(id, ReplicaDirectory.ClusterId, StringComparison.OrdinalIgnoreCase) || id?.StartsWith($"{ReplicaDirectory.ClusterId}.", StringComparison.OrdinalIgnoreCase) == true;

    private static InvalidOperationException Reserved(string what, string id) => new($"The id '{id}' of a {what} is reserved for the replicas.");

    [LoggerMessage(LogLevel.Error, "The change of section ReverseProxy is invalid and was ignored; the previous configuration stays in use: {Faults}")]
    private partial void LogNotValid(string faults);
}
