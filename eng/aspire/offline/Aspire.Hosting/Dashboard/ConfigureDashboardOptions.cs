using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dashboard;

internal sealed class ConfigureDashboardOptions(IConfiguration configuration) : IConfigureOptions<DashboardOptions>
{
    public void Configure(DashboardOptions options)
    {
        options.Urls = Get("ASPNETCORE_URLS");
        options.OtlpGrpcUrl = Get("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL") ?? Get("DOTNET_DASHBOARD_OTLP_ENDPOINT_URL");
        options.OtlpHttpUrl = Get("ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL") ?? Get("DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL");
        options.ResourceServiceUrl = (Get("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL") ?? Get("DOTNET_RESOURCE_SERVICE_ENDPOINT_URL")) is { } url ? new Uri(url) : null;
        options.BrowserToken = Get("AppHost:BrowserToken");
        options.OtlpApiKey = Get("AppHost:OtlpApiKey");
        options.ApiKey = Get("AppHost:DashboardApiKey");
        options.ResourceServiceApiKey = string.Equals(Get("AppHost:ResourceService:AuthMode"), "ApiKey", StringComparison.OrdinalIgnoreCase)
            ? Get("AppHost:ResourceService:ApiKey")
            : null;
        options.ApplicationName = Get("AppHost:DashboardApplicationName");
        options.ShowDashboardResource = string.Equals(Get("ASPIRE_SHOW_DASHBOARD_RESOURCES"), "true", StringComparison.OrdinalIgnoreCase);
        options.Environment = Get("ASPNETCORE_ENVIRONMENT") ?? "Production";
    }

    // The AppHost's configuration has ASPIRE_ variables under their full name and without the prefix.
    private string? Get(string name) => string.IsNullOrWhiteSpace(configuration[name]) ? null : configuration[name];
}
