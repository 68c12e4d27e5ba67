using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dashboard;

/// <summary>The dashboard's process as a resource of the application.</summary>
internal static class DashboardResource
{
    public const string Name = "aspire-dashboard";
    public const string OtlpGrpcEndpoint = "otlp-grpc";
    public const string OtlpHttpEndpoint = "otlp-http";

    public static ExecutableResource Create(string path, DashboardOptions options, DashboardServiceHost serviceHost, IConfiguration configuration)
    {
        var fullPath = Path.GetFullPath(path);
        if (!File.Exists(fullPath))
        {
            throw new DistributedApplicationException(
                $"The dashboard is not at '{fullPath}'. Build the AppHost project again to fetch it, or set DcpPublisher:DashboardPath.");
        }

        var resource = new ExecutableResource(Name, fullPath, Path.GetDirectoryName(fullPath)!);
        resource.Annotations.Add(new CommandLineArgsCallbackAnnotation(args => args.Insert(0, "dashboard")));
        resource.Annotations.Add(new ResourceIconAnnotation("ContentView", IconVariant.Regular));
        AddEndpoints(resource, options);
        resource.Annotations.Add(new EnvironmentCallbackAnnotation(context => SetEnvironmentAsync(resource, context, options, serviceHost, configuration)));
        if (!options.ShowDashboardResource)
        {
            resource.Annotations.Add(new HiddenAnnotation());
        }

        return resource;
    }

    private static void AddEndpoints(ExecutableResource resource, DashboardOptions options)
    {
        var urls = options.Urls?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        if (urls.Length == 0)
        {
            resource.Annotations.Add(Endpoint(name: null, url: null));
        }

        foreach (var url in urls)
        {
            resource.Annotations.Add(Endpoint(name: null, url));
        }

        if (options.OtlpHttpUrl is not null || options.OtlpGrpcUrl is null)
        {
            resource.Annotations.Add(Endpoint(OtlpHttpEndpoint, options.OtlpHttpUrl));
        }

        if (options.OtlpGrpcUrl is not null || options.OtlpHttpUrl is null)
        {
            var grpc = Endpoint(OtlpGrpcEndpoint, options.OtlpGrpcUrl);
            grpc.Transport = "http2";
            resource.Annotations.Add(grpc);
        }
    }

    private static EndpointAnnotation Endpoint(string? name, string? url)
    {
        if (url is null)
        {
            return new EndpointAnnotation(ProtocolType.Tcp, uriScheme: "http", name: name ?? "http", isProxied: true);
        }

        var address = BindingAddress.Parse(url);
        return new EndpointAnnotation(ProtocolType.Tcp, uriScheme: address.Scheme, name: name ?? address.Scheme, port: address.Port == 0 ? null : address.Port, isProxied: true)
        {
            TargetHost = address.Host,
        };
    }

    private static async Task SetEnvironmentAsync(
        ExecutableResource resource, EnvironmentCallbackContext context, DashboardOptions options, DashboardServiceHost serviceHost, IConfiguration configuration)
    {
        var variables = context.EnvironmentVariables;
        foreach (var (name, value) in configuration.AsEnumerable())
        {
            // What the user configured for the dashboard, first, so that nothing below is overridden.
            if (name.StartsWith("ASPIRE_DASHBOARD_", StringComparison.OrdinalIgnoreCase) && value is not null)
            {
                variables[name] = value;
            }
        }

        variables["ASPNETCORE_ENVIRONMENT"] = options.Environment;
        variables["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = await serviceHost.GetUrlAsync(context.CancellationToken);
        var frontends = resource.GetEndpoints().Where(endpoint => endpoint.EndpointName is "http" or "https").ToList();
        variables["ASPNETCORE_URLS"] = await JoinAsync(frontends, context.CancellationToken);
        variables["DASHBOARD__FRONTEND__PUBLICURL"] = (frontends.FirstOrDefault(endpoint => endpoint.IsHttps) ?? frontends[0]).Url;
        foreach (var endpoint in resource.GetEndpoints())
        {
            if (endpoint.EndpointName is OtlpGrpcEndpoint)
            {
                variables["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = await JoinAsync([endpoint], context.CancellationToken);
            }
            else if (endpoint.EndpointName is OtlpHttpEndpoint)
            {
                variables["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = await JoinAsync([endpoint], context.CancellationToken);
            }
        }

        SetKey(variables, "DASHBOARD__FRONTEND", "BrowserToken", "BROWSERTOKEN", options.BrowserToken);
        SetKey(variables, "DASHBOARD__RESOURCESERVICECLIENT", "ApiKey", "APIKEY", options.ResourceServiceApiKey);
        SetKey(variables, "DASHBOARD__OTLP", "ApiKey", "PRIMARYAPIKEY", options.OtlpApiKey);
        SetKey(variables, "DASHBOARD__API", "ApiKey", "PRIMARYAPIKEY", options.ApiKey);
        variables["ASPIRE_DASHBOARD_API_ENABLED"] = "true";
        variables["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true";
        variables["DASHBOARD__DEBUGSESSION__TELEMETRYOPTOUT"] = "true";
    }

    private static void SetKey(Dictionary<string, object> variables, string section, string mode, string name, string? key)
    {
        variables[$"{section}__AUTHMODE"] = key is null ? "Unsecured" : mode;
        if (key is not null)
        {
            variables[$"{section}__{name}"] = key;
        }
    }

    // The addresses the process itself binds, behind the engine's proxy: their ports are the engine's to fill in.
    private static async Task<string> JoinAsync(IEnumerable<EndpointReference> endpoints, CancellationToken cancellationToken)
    {
        var urls = new List<string>();
        foreach (var endpoint in endpoints)
        {
            var port = await endpoint.Property(EndpointProperty.TargetPort).GetValueAsync(cancellationToken);
            urls.Add($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:{port}");
        }

        return string.Join(';', urls);
    }
}
