using SseApp.AppHost.Backplane;
using SseApp.AppHost.Operations;
using SseApp.AppHost.Startup;

namespace SseApp.AppHost.Monitoring;

internal static partial class MonitoringExtensions
{
    public const string Loopback = "localhost";

    private const string Endpoint = "http";
    private const string Prometheus = "prometheus";
    private const string Alertmanager = "alertmanager";
    private const string Grafana = "grafana";

    // The name that Docker Desktop and Podman have for the machine.
    private const string ContainerHost = "host.docker.internal";

    private static readonly (string Image, string Tag) s_prometheus = ("prom/prometheus", "v3.5.0");
    private static readonly (string Image, string Tag) s_alertmanager = ("prom/alertmanager", "v0.28.1");
    private static readonly (string Image, string Tag) s_grafana = ("grafana/grafana", "12.1.0");

    /// <summary>
    /// Adds Prometheus, Alertmanager and Grafana, if section <see cref="MonitoringOptions">Monitoring</see> asks for them: with the rules and the board
    /// of <c>deploy/monitoring</c>. What can be had in no way is not there, and one line says so.
    /// </summary>
    public static void AddMonitoring(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> events, IResourceBuilder<ProjectResource> gateway, OperatorListeners listeners)
    {
        var options = builder.ReadSettings(MonitoringOptions.SectionName, new MonitoringOptions());
        if (!options.Enabled)
        {
            return;
        }

        var source = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "../deploy/monitoring"));
        if (builder.ExecutionContext.IsPublishMode)
        {
            Publish(builder, events, gateway, source);
        }
        else
        {
            Run(builder, events, gateway, listeners, options, source);
        }
    }

    private static void Run(
        IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> events,
        IResourceBuilder<ProjectResource> gateway,
        OperatorListeners listeners,
        MonitoringOptions options,
        string source)
    {
        var containers = ContainerRuntimeProbe.Answering(builder.Configuration).Any();
        // Programs first: the services answer operators at loopback, which is not that of a container.
        var (prometheus, alertmanager) = (Find(builder, "prometheus"), Find(builder, "prometheus-alertmanager"));
        string[] absent =
        [
            .. prometheus is null && !containers ? [Prometheus] : Array.Empty<string>(),
            .. alertmanager is null && !containers ? [Alertmanager] : Array.Empty<string>(),
            .. containers ? [] : (string[])[Grafana],
        ];
        if (absent.Length > 0)
        {
            builder.LogAtStart(logger => LogAbsent(logger, string.Join(", ", absent)));
        }

        if (prometheus is null && !containers)
        {
            return;
        }

        var directory = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, options.DataDirectory));
        var files = new MonitoringFiles(directory);
        var host = prometheus is null ? ContainerHost : Loopback;
        files.Write(
            builder,
            prometheus is null ? "/rules" : Path.Combine(source, "rules"),
            prometheus is null ? "/run/secrets/metrics_key" : listeners.Key.File,
            options.ScrapeInterval);

        EndpointReference? alerts = (alertmanager, containers) switch
        {
            ({ } program, _) => Program(builder, Alertmanager, program, directory, "Alertmanager", "--config.file", Path.Combine(source, "alertmanager.yml"), "--storage.path", Path.Combine(directory, Alertmanager), "--cluster.listen-address="),
            (null, true) => AlertmanagerContainer(builder, source).GetEndpoint(Endpoint),
            _ => null,
        };
        var queries = prometheus is null
            ? PrometheusContainer(builder, directory, Path.Combine(source, "rules")).WithBindMount(listeners.Key.File, "/run/secrets/metrics_key", isReadOnly: true).GetEndpoint(Endpoint)
            : Program(builder, Prometheus, prometheus, directory, "Prometheus", "--config.file", Path.Combine(directory, MonitoringFiles.Configuration), "--storage.tsdb.path", Path.Combine(directory, Prometheus));
        Announce(builder, "Prometheus", queries);
        if (containers)
        {
            var board = GrafanaContainer(builder, source, queries)
                .WithEnvironment("GF_AUTH_ANONYMOUS_ENABLED", "true")
                .WithEnvironment("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer")
                .WithEnvironment("GF_USERS_VIEWERS_CAN_EDIT", "true");
            Announce(builder, "Grafana", board.GetEndpoint(Endpoint));
        }

        var services = new Dictionary<IResource, string> { [events.Resource] = MonitoringFiles.Replicas, [gateway.Resource] = MonitoringFiles.Gateways };
        builder.Services.AddHostedService(provider => new TargetsWriter(
            files, services, host, alerts, provider.GetRequiredService<ResourceNotificationService>(), provider.GetRequiredService<IHostApplicationLifetime>()));
    }

    /// <summary>
    /// For Docker Compose. The services answer operators in the network of the project; the key for Prometheus and the file with its hash are
    /// made by hand, as docs/monitoring.md says, since nobody else should know it.
    /// </summary>
    private static void Publish(IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> events, IResourceBuilder<ProjectResource> gateway, string source)
    {
        foreach (var service in (IResourceBuilder<ProjectResource>[])[events, gateway])
        {
            service.WithEnvironment("Admin__Urls", "http://0.0.0.0:8081");
        }

        AlertmanagerContainer(builder, source);
        var prometheus = builder.AddContainer(Prometheus, s_prometheus.Image, s_prometheus.Tag)
            .WithHttpEndpoint(targetPort: 9090, name: Endpoint)
            .WithBindMount(Path.Combine(source, "prometheus.compose.yml"), "/etc/prometheus/prometheus.yml", isReadOnly: true)
            .WithBindMount(Path.Combine(source, "rules"), "/etc/prometheus/rules", isReadOnly: true)
            .WithBindMount(Path.Combine(source, "metrics.key"), "/run/secrets/metrics_key", isReadOnly: true)
            .WithVolume("prometheus-data", "/prometheus");
        var password = builder.AddParameter("grafana-password", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: false);
        GrafanaContainer(builder, source, prometheus.GetEndpoint(Endpoint)).WithEnvironment("GF_SECURITY_ADMIN_PASSWORD", password).WithVolume("grafana-data", "/var/lib/grafana");
    }

    private static void Announce(IDistributedApplicationBuilder builder, string title, EndpointReference endpoint) =>
        builder.Eventing.Subscribe<ResourceReadyEvent>(endpoint.Resource, (ready, _) =>
        {
            var url = endpoint.Url;
            var logger = ready.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost");
            LogReady(logger, title, url);
            return Task.CompletedTask;
        });

    private static EndpointReference Program(IDistributedApplicationBuilder builder, string name, string program, string directory, string title, params string[] arguments)
    {
        var executable = builder.AddExecutable(name, program, directory).WithHttpEndpoint(name: Endpoint, isProxied: false);
        var endpoint = executable.GetEndpoint(Endpoint);
        executable
            .WithArgs([.. arguments, "--log.level=warn"])
            .WithArgs(context => context.Args.Add(ReferenceExpression.Create($"--web.listen-address=127.0.0.1:{endpoint.Property(EndpointProperty.TargetPort)}")))
            .WithHttpHealthCheck("/-/ready", endpointName: Endpoint)
            .WithUrlForEndpoint(Endpoint, url => url.DisplayText = title)
            .WithIconName("DataTrending");
        return endpoint;
    }

    // As root: the key's file is for its owner alone.
    private static IResourceBuilder<ContainerResource> PrometheusContainer(IDistributedApplicationBuilder builder, string directory, string rules) =>
        builder.AddContainer(Prometheus, s_prometheus.Image, s_prometheus.Tag)
            .WithHttpEndpoint(targetPort: 9090, name: Endpoint)
            .WithBindMount(directory, "/etc/prometheus", isReadOnly: true)
            .WithBindMount(rules, "/rules", isReadOnly: true)
            .WithContainerRuntimeArgs("--user", "0")
            .WithHttpHealthCheck("/-/ready", endpointName: Endpoint)
            .WithUrlForEndpoint(Endpoint, static url => url.DisplayText = "Prometheus")
            .WithIconName("DataTrending");

    private static IResourceBuilder<ContainerResource> AlertmanagerContainer(IDistributedApplicationBuilder builder, string source) =>
        builder.AddContainer(Alertmanager, s_alertmanager.Image, s_alertmanager.Tag)
            .WithHttpEndpoint(targetPort: 9093, name: Endpoint)
            .WithBindMount(Path.Combine(source, "alertmanager.yml"), "/etc/alertmanager/alertmanager.yml", isReadOnly: true)
            .WithHttpHealthCheck("/-/ready", endpointName: Endpoint)
            .WithUrlForEndpoint(Endpoint, static url => url.DisplayText = "Alertmanager")
            .WithIconName("Alert");

    private static IResourceBuilder<ContainerResource> GrafanaContainer(IDistributedApplicationBuilder builder, string source, EndpointReference prometheus) =>
        builder.AddContainer(Grafana, s_grafana.Image, s_grafana.Tag)
            .WithHttpEndpoint(targetPort: 3000, name: Endpoint)
            .WithBindMount(Path.Combine(source, "grafana/provisioning"), "/etc/grafana/provisioning", isReadOnly: true)
            .WithBindMount(Path.Combine(source, "grafana/dashboards"), "/etc/grafana/dashboards", isReadOnly: true)
            // Where the board's links lead.
            .WithBindMount(Path.Combine(source, "../../docs"), "/usr/share/grafana/public/sseapp-docs", isReadOnly: true)
            .WithEnvironment("PROMETHEUS_URL", prometheus)
            .WithEnvironment("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "/etc/grafana/dashboards/sseapp.json")
            .WithEnvironment("GF_ANALYTICS_REPORTING_ENABLED", "false")
            .WithEnvironment("GF_ANALYTICS_CHECK_FOR_UPDATES", "false")
            .WithHttpHealthCheck("/api/health", endpointName: Endpoint)
            .WithUrlForEndpoint(Endpoint, static url => url.DisplayText = "Grafana")
            .WithIconName("ChartMultiple");

    private static string? Find(IDistributedApplicationBuilder builder, string program) =>
        (builder.Configuration["PATH"] ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Title} is ready: {Url}")]
    private static partial void LogReady(ILogger logger, string title, string url);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Monitoring:Enabled is true, but these are not there: {Absent}. No container runtime answers, and programs are not installed (apt-get install prometheus prometheus-alertmanager; Grafana is a container only).")]
    private static partial void LogAbsent(ILogger logger, string absent);
}
