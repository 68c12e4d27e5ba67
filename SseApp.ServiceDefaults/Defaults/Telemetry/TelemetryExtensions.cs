using Microsoft.Extensions.Configuration.Memory;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Telemetry;

internal static class TelemetryExtensions
{
    /// <summary>Path of the Prometheus text.</summary>
    public const string MetricsPath = "/metrics";

    internal static void ConfigureOpenTelemetry(this IHostApplicationBuilder builder)
    {
        // The host makes a log scope and a span for each request unless this category is silent; a setting of the same
        // name goes before this one. Tracing makes its spans either way. The others are those of appsettings.json, for who mounts one
        // of their own in its place: without, each request has two lines.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData =
            [
                KeyValuePair.Create<string, string?>("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", nameof(LogLevel.None)),
                KeyValuePair.Create<string, string?>("Logging:LogLevel:Microsoft.AspNetCore", nameof(LogLevel.Warning)),
                KeyValuePair.Create<string, string?>("Logging:LogLevel:StackExchange.Redis", nameof(LogLevel.Warning)),
                KeyValuePair.Create<string, string?>("Logging:LogLevel:Yarp", nameof(LogLevel.Warning)),
            ],
        });
        // A line a probe while something is wrong, and one a call to a webhook, would bury the lines that say it once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>, UrlCategories>();

        builder.Services.TryAddSingleton<SseMeter>();
        var openTelemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddMeter(MetricNames.Meter)
                // What AddAspNetCoreInstrumentation() would add, but for what is counted several times a request: a middleware
                // of its own, the router's matches, and the memory pool's blocks.
                .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Diagnostics", "Microsoft.AspNetCore.RateLimiting")
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddView(MetricLabels.View)
                .AddPrometheusExporter());

        // Spans and log records that nothing exports would still cost each publish about a tenth of its time.
        if (ExporterSettings.Destination(builder.Configuration) is not null)
        {
            builder.Logging.AddOpenTelemetry(logging =>
            {
                logging.IncludeFormattedMessage = true;
                logging.IncludeScopes = true;
            });
            openTelemetry
                .WithTracing(tracing => tracing
                    .AddProcessor(new SpanUrls())
                    .AddSource(builder.Environment.ApplicationName, SseTracing.SourceName)
                    .AddAspNetCoreInstrumentation(options => options.Filter = ShouldTrace)
                    .AddHttpClientInstrumentation(options => options.FilterHttpRequestMessage = ShouldTrace))
                .UseOtlpExporter();
        }
    }

    /// <summary>
    /// Probes are noise, and the span of a stream would be exported hours late, when nobody looks for it: it has one of <see cref="SseTracing"/>.
    /// The filter runs before routing, so it goes by path and <c>Accept</c>.
    /// </summary>
    internal static bool ShouldTrace(HttpContext context)
    {
        var path = context.Request.Path;
        return !path.StartsWithSegments(HealthExtensions.ReadinessPath, StringComparison.Ordinal)
            && !path.StartsWithSegments(HealthExtensions.LivenessPath, StringComparison.Ordinal)
            && !path.StartsWithSegments(MetricsPath, StringComparison.Ordinal)
            && !EventStreams.IsPath(path.Value)
            && !EventStreams.IsAccepted(context.Request);
    }

    /// <summary>A stream that is forwarded, too: this span ends with the head of the answer.</summary>
    internal static bool ShouldTrace(HttpRequestMessage request) =>
        !request.Options.TryGetValue(RequestTracing.Untraced, out _)
        && request.RequestUri?.AbsolutePath is not (HealthExtensions.ReadinessPath or HealthExtensions.LivenessPath);
}

/// <summary>What telemetry must not record about outgoing requests.</summary>
internal static class RequestTracing
{
    /// <summary>Set to true on a request whose address is a secret: a span would export it.</summary>
    public static readonly HttpRequestOptionsKey<bool> Untraced = new("SseApp.Untraced");
}
