using SseApp.AppHost.Archive;
using SseApp.AppHost.Operations;
using SseApp.AppHost.Startup;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.AppHost;

internal static partial class ClusterExtensions
{
    /// <summary>Reads section <c>Cluster</c>, and checks the ports in it and those of the dashboard before the start.</summary>
    public static ClusterOptions GetClusterOptions(this IDistributedApplicationBuilder builder)
    {
        var replicas = builder.Configuration.GetSection($"{ClusterOptions.SectionName}:{nameof(ClusterOptions.Replicas)}");
        if (string.Equals(replicas.Value, "max", StringComparison.OrdinalIgnoreCase))
        {
            // The cores that this process may use: a container's limit counts.
            replicas.Value = Math.Min(Environment.ProcessorCount, ClusterOptions.MaxReplicas).ToString(CultureInfo.InvariantCulture);
        }

        var options = builder.ReadSettings(ClusterOptions.SectionName, new ClusterOptions());
        if (options.KeyPrefix is { } prefix)
        {
            builder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
            {
                foreach (var service in starting.Model.GetProjectResources())
                {
                    service.Annotations.Add(new EnvironmentCallbackAnnotation($"{ClusterOptions.SectionName}__{nameof(ClusterOptions.KeyPrefix)}", () => prefix));
                }

                return Task.CompletedTask;
            });
        }

        if (builder.ExecutionContext.IsPublishMode)
        {
            // A published gateway gets the port of its target; Azure Container Apps refuses an HTTP ingress on any but 80.
            options.GatewayPort = 0;
            return options;
        }

        if (options.DashboardPort is { } port)
        {
            var scheme = builder.Configuration.GetValue<bool>("ASPIRE_ALLOW_UNSECURED_TRANSPORT") ? "http" : "https";
            builder.Configuration[DashboardAddresses.Dashboard] = port == 0 ? null : $"{scheme}://localhost:{port}";
            foreach (var (variable, _) in DashboardAddresses.Others)
            {
                builder.Configuration[variable] = null;
            }
        }

        // Aspire takes free ports for all in tests, and for "aspire run --isolated".
        if (!builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
        {
            StartupProblems.Of(builder).AddCheck(() => PortCheck.Problems(builder.Configuration, options.FixedGatewayPort));
        }

        return options;
    }

    /// <summary>What a service needs that runs beside its dashboard, and only there.</summary>
    public static IResourceBuilder<ProjectResource> WithLocalSettings(this IResourceBuilder<ProjectResource> service) =>
        // With the default of 10 s, Ctrl+C took 16 s: the dashboard, which takes the telemetry, goes before the service, and
        // the last export is tried again until its timeout is over. A published service's collector may be far away.
        // Half of Aspire's second: a replica that was lost is in the dashboard sooner, and an idle cluster takes no more of the processor that could be measured.
        // Aspire's certificate would be for HTTPS endpoints; there are none, and a machine without one would get a warning.
        service.ApplicationBuilder.ExecutionContext.IsRunMode
            ? service.WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", "1000").WithEnvironment("OTEL_METRIC_EXPORT_INTERVAL", "500").WithoutHttpsCertificate()
            : service;

    /// <summary>
    /// Lets a published service be asked under the name of its ingress, which the platform makes up. Other names, such as one's own
    /// domain, belong into <c>Hosts:Allowed</c> of the deployment, which begins at 0 and so leaves this one.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithIngressHost(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? service.WithEnvironment("Hosts__Allowed__99", service.GetEndpoint("http").Property(EndpointProperty.Host))
            : service;

    /// <summary>Whoever has the key makes tokens that the service believes.</summary>
    public static IResourceBuilder<ProjectResource> WithOwnTokens(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ParameterResource> key) => service
        .WithEnvironment("Security__Issuers__0__Issuer", "sseapp")
        .WithEnvironment("Security__Issuers__0__Audience", "events")
        .WithEnvironment("Security__Issuers__0__Key", key);

    /// <summary>Says where to click once the gateway answers.</summary>
    public static void AnnounceWhenReady(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> gateway, OperatorListeners listeners, IResourceWithConnectionString? archive)
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return;
        }

        gateway.WithUrlForEndpoint(OperatorListeners.Of(gateway).EndpointName, static url =>
        {
            url.DisplayText = "Operator console";
            url.DisplayLocation = UrlDisplayLocation.SummaryAndDetails;
        });
        var credential = CredentialOf(builder.Configuration, builder.Environment);
        var announced = 0;
        builder.Eventing.Subscribe<ResourceReadyEvent>(gateway.Resource, async (ready, cancellationToken) =>
        {
            // A restart of the gateway makes it ready again; the address stays the same.
            if (Interlocked.Exchange(ref announced, 1) == 0)
            {
                var logger = ready.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost");
                var url = gateway.GetEndpoint("http").Url;
                var operators = OperatorListeners.Of(gateway).Url;
                var database = archive is null ? "" : $"{Environment.NewLine}      Database:     {await archive.AddressAsync(cancellationToken)}";
                LogReady(logger, url, credential, operators, listeners.Key.File, database);
            }
        });
    }

    /// <summary>What curl needs beside the address, where clients need a credential.</summary>
    internal static string CredentialOf(IConfiguration configuration, IHostEnvironment environment) =>
        configuration.GetSection(CredentialOptions.SectionName).Get<CredentialOptions>()?.IsOpen(environment) ?? true ? "" : "-H \"Authorization: Bearer $TOKEN\" ";

    [LoggerMessage(Level = LogLevel.Information, Message = """
        The cluster is ready.
              Live console: {Url}
              Subscribe:    curl -N {Credential}"{Url}/events?topic=news"
              Publish:      curl -d "hello" {Credential}{Url}/topics/news/events
              Operators:    {Operators} (its key is the parameter operator-key in the dashboard)
                            curl -H "Authorization: Bearer $(cat {KeyFile})" {Operators}/admin/replicas{Database}
        """)]
    private static partial void LogReady(ILogger logger, string url, string credential, string operators, string keyFile, string database);
}
