using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using SseApp.Gateway;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Admin;
using Yarp.ReverseProxy;

namespace SseApp.Tests.Infrastructure;

/// <summary>The real gateway on a real Kestrel at a free port, over a registry that the test provides.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GatewayHost(WebApplication app)
    {
        _app = app;
        var admin = app.Services.GetRequiredService<AdminListener>();
        Addresses = [.. admin.Without(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses).Select(address => new Uri(address))];
        Client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(20) };
        Admin = OperatorAccess.Client(new Uri(admin.Addresses.FirstOrDefault("http://there.is.none.test")));
    }

    public IReadOnlyList<Uri> Addresses { get; }

    public Uri Address => Addresses[0];

    /// <summary>Where HTTPS is served; the test has configured it.</summary>
    public Uri SecureAddress => Addresses.Single(address => address.Scheme == Uri.UriSchemeHttps);

    public HttpClient Client { get; }

    /// <summary>An operator's, with the key.</summary>
    public HttpClient Admin { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Messages logged so far.</summary>
    public IEnumerable<string> Logs => Services.GetFakeLogCollector().GetSnapshot().Select(record => record.Message);

    /// <param name="registry">Where the gateway finds its replicas; null: in Redis, as the program does.</param>
    /// <param name="settings">Configuration on top of what suits tests: fast polls and short timeouts.</param>
    /// <param name="use">Middleware before the gateway's own.</param>
    /// <param name="url">Where to listen.</param>
    /// <param name="time">The gateway's clock.</param>
    /// <param name="settingsFile">A configuration file that the test changes later.</param>
    public static async Task<GatewayHost> StartAsync(
        IReplicaRegistry? registry,
        IReadOnlyDictionary<string, string?>? settings = null,
        Action<WebApplication>? use = null,
        string url = "http://127.0.0.1:0",
        TimeProvider? time = null,
        string? settingsFile = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders().AddFakeLogging();
        HostDeath.Watch(builder, "gateway");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["ReplicaRegistry:HeartbeatInterval"] = "00:00:00.100",
            ["ReplicaRegistry:Expiry"] = "00:00:01",
            ["Drain:Window"] = "00:00:00",
            [ClusterKey.Setting] = ClusterKey.Text,
            ["Refusals:MinRetry"] = "00:00:00.200",
            ["Refusals:MaxRetry"] = "00:00:00.400",

            // What tests count and replicas of theirs get is their own.
            ["Canary:Enabled"] = "false",

            // Every client of a test has the same address.
            ["Limits:StreamsPerAddress"] = "0",
            ["Limits:ConnectsPerSecond"] = "0",
            ["Limits:EventsPerSecond"] = "0",
            ["Limits:StoredBytesPerSecond"] = "0",
            ["Limits:ReadsPerSecond"] = "0",
            ["Limits:ReadBytesPerSecond"] = "0",
            ["Limits:ReadsAtOnce"] = "0",
            ["Limits:TopicsPerAddress"] = "0",
            ["Limits:RefusalsPerSecond"] = "0",
        });
        builder.Configuration.AddInMemoryCollection(settings);
        if (settingsFile is not null)
        {
            builder.Configuration.AddJsonFile(settingsFile, optional: false, reloadOnChange: true);
        }

        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        builder.AddServiceDefaults();

        // OpenTelemetry listens to every meter of a name in the process; those of other tests' hosts are not this gateway's.
        builder.Services.ConfigureOpenTelemetryMeterProvider((services, provider) =>
        {
            var own = services.GetRequiredService<IMeterFactory>();
            provider.AddView(instrument => instrument.Meter.Scope is IMeterFactory other && other != own ? MetricStreamConfiguration.Drop : null);
        });
        if (registry is not null)
        {
            builder.Services.AddSingleton(registry);
            builder.Services.AddSingleton<IAlertStore, InMemoryAlertStore>();
            builder.Services.AddSingleton<IRestartLedger, InMemoryRestartLedger>();
        }
        else
        {
            builder.AddClusterRedis(HealthStatus.Degraded);
        }

        builder.AddGateway();
        var app = builder.Build();
        use?.Invoke(app);
        app.MapGateway();
        app.MapDefaultEndpoints();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new GatewayHost(app);
    }

    /// <summary>Ids of the replicas that are in the gateway's configuration now.</summary>
    public IReadOnlyList<string> RoutedReplicas() =>
        Cluster is { } cluster ? [.. cluster.Destinations.Keys.Order(StringComparer.Ordinal)] : [];

    /// <summary>Replicas that take requests now.</summary>
    public int AvailableReplicas() => Cluster?.DestinationsState.AvailableDestinations.Count ?? 0;

    /// <summary>Streams on all replicas, as the registry last told this gateway.</summary>
    public int KnownConnections() => Services.GetRequiredService<ReplicaDirectory>().Replicas.Sum(replica => replica.Connections);

    private ClusterState? Cluster =>
        Services.GetRequiredService<IProxyStateLookup>().TryGetCluster(ReplicaDirectory.ClusterId, out var cluster) ? cluster : null;

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Admin.Dispose();
        await _app.DisposeAsync();
    }
}
