using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Sends the telemetry of resources to the dashboard.</summary>
/// <seealso href="https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/" />
public static class OtlpConfigurationExtensions
{
    internal const string DashboardResourceName = "aspire-dashboard";
    internal const string OtlpGrpcEndpointName = "otlp-grpc";
    internal const string OtlpHttpEndpointName = "otlp-http";
    private const string DefaultEndpoint = "http://localhost:18889";
    private const string DevelopmentDelayMilliseconds = "1000";

    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment
    {
        AddOtlpEnvironment(builder.Resource, builder.ApplicationBuilder.Configuration, builder.ApplicationBuilder.Environment);
        return builder;
    }

    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, OtlpProtocol protocol)
        where T : IResourceWithEnvironment
    {
        AddOtlpEnvironment(builder.Resource, builder.ApplicationBuilder.Configuration, builder.ApplicationBuilder.Environment, protocol);
        return builder;
    }

    public static void AddOtlpEnvironment(IResource resource, IConfiguration configuration, IHostEnvironment environment)
        => Add(resource, new OtlpExporterAnnotation(), configuration, environment);

    public static void AddOtlpEnvironment(IResource resource, IConfiguration configuration, IHostEnvironment environment, OtlpProtocol protocol)
        => Add(resource, new OtlpExporterAnnotation { RequiredProtocol = protocol }, configuration, environment);

    private static void Add(IResource resource, OtlpExporterAnnotation exporter, IConfiguration configuration, IHostEnvironment environment)
    {
        resource.Annotations.Add(exporter);
        resource.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            if (context.ExecutionContext.IsPublishMode || !resource.TryGetLastAnnotation<OtlpExporterAnnotation>(out var last))
            {
                return;
            }

            var variables = context.EnvironmentVariables;
            var (endpoint, protocol) = FindDashboardEndpoint(context, last.RequiredProtocol) ?? ReadConfiguredEndpoint(configuration, last.RequiredProtocol);
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;

            // The engine fills these in for each replica.
            variables["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id={{- index .Annotations \"otel-service-instance-id\" -}}";
            variables["OTEL_SERVICE_NAME"] = "{{- index .Annotations \"otel-service-name\" -}}";
            if (configuration["AppHost:OtlpApiKey"] is { } key)
            {
                variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
            }

            if (environment.IsDevelopment())
            {
                // What happened a second ago shall be in the dashboard.
                variables["OTEL_BLRP_SCHEDULE_DELAY"] = DevelopmentDelayMilliseconds;
                variables["OTEL_BSP_SCHEDULE_DELAY"] = DevelopmentDelayMilliseconds;
                variables["OTEL_METRIC_EXPORT_INTERVAL"] = DevelopmentDelayMilliseconds;
                variables["OTEL_TRACES_SAMPLER"] = "always_on";
                variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
                variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
            }
        }));
    }

    private static (object Endpoint, string Protocol)? FindDashboardEndpoint(EnvironmentCallbackContext context, OtlpProtocol? required)
    {
        var model = context.ExecutionContext.ServicesOrNull?.GetService<DistributedApplicationModel>();
        if (model is null || !model.Resources.TryGetByName(DashboardResourceName, out var resource) || resource is not IResourceWithEndpoints dashboard)
        {
            return null;
        }

        var grpc = dashboard.GetEndpoint(OtlpGrpcEndpointName);
        var http = dashboard.GetEndpoint(OtlpHttpEndpointName);
        return (required, grpc.Exists, http.Exists) switch
        {
            (OtlpProtocol.HttpProtobuf, _, true) => (http, "http/protobuf"),
            (OtlpProtocol.HttpJson, _, true) => (http, "http/json"),
            (_, true, _) => (grpc, "grpc"),
            (_, _, true) => (http, "http/protobuf"),
            _ => null,
        };
    }

    private static (object Endpoint, string Protocol) ReadConfiguredEndpoint(IConfiguration configuration, OtlpProtocol? required)
    {
        var grpc = configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ?? configuration["DOTNET_DASHBOARD_OTLP_ENDPOINT_URL"];
        var http = configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] ?? configuration["DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"];
        return (required, grpc, http) switch
        {
            (OtlpProtocol.Grpc, null, _) => throw new InvalidOperationException("OtlpExporter is configured to require gRPC protocol, but no endpoint was configured for ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"),
            (OtlpProtocol.HttpProtobuf or OtlpProtocol.HttpJson, _, null) => throw new InvalidOperationException("OtlpExporter is configured to require HTTP protocol, but no endpoint was configured for ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"),
            (OtlpProtocol.HttpProtobuf, _, { } url) => (url, "http/protobuf"),
            (OtlpProtocol.HttpJson, _, { } url) => (url, "http/json"),
            (_, { } url, _) => (url, "grpc"),
            (_, null, { } url) => (url, "http/protobuf"),
            _ => (DefaultEndpoint, "grpc"),
        };
    }
}
