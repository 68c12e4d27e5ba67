namespace Aspire.Hosting.Dashboard;

/// <summary>How the dashboard is reached; from the AppHost's configuration, usually its launch profile.</summary>
internal sealed class DashboardOptions
{
    /// <summary><c>ASPNETCORE_URLS</c>: where the browser finds it. Default: http on a free port.</summary>
    public string? Urls { get; set; }

    /// <summary><c>ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL</c>: OTLP over gRPC. Default: a free port.</summary>
    public string? OtlpGrpcUrl { get; set; }

    /// <summary><c>ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL</c>: OTLP over HTTP. Default: a free port, when gRPC has none configured either.</summary>
    public string? OtlpHttpUrl { get; set; }

    /// <summary><c>ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL</c>: where this process serves the dashboard. Default: http on a free port.</summary>
    public Uri? ResourceServiceUrl { get; set; }

    /// <summary><c>AppHost:BrowserToken</c>: what the browser logs in with; no login when empty.</summary>
    public string? BrowserToken { get; set; }

    /// <summary><c>AppHost:OtlpApiKey</c>: what telemetry must carry; nothing when empty.</summary>
    public string? OtlpApiKey { get; set; }

    /// <summary><c>AppHost:DashboardApiKey</c>: what callers of the dashboard's own API must carry.</summary>
    public string? ApiKey { get; set; }

    /// <summary><c>AppHost:ResourceService:ApiKey</c>: what the dashboard must show to this process; nothing when empty.</summary>
    public string? ResourceServiceApiKey { get; set; }

    /// <summary><c>AppHost:DashboardApplicationName</c>.</summary>
    public string? ApplicationName { get; set; }

    /// <summary><c>ASPIRE_SHOW_DASHBOARD_RESOURCES</c>: list the dashboard itself among the resources.</summary>
    public bool ShowDashboardResource { get; set; }

    public string Environment { get; set; } = "Production";
}
