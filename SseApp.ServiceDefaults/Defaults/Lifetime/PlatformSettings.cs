namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Switches of the platform that would take a protection away, and that tools set without being asked: Aspire's manifest, and
/// so azd and Container Apps, lets ASP.NET Core believe every client's X-Forwarded-For, and a local run exports query strings
/// as they are. Here they are off, wherever they were set. With PreferHostingUrls, which hosting platforms set, the server would listen at
/// plain addresses in the place of every endpoint that is configured: the one for operators is none of those, and HTTPS would be gone.
/// </summary>
internal static class PlatformSettings
{
    private const string ForwardedHeaders = "ForwardedHeaders_Enabled";

    private static readonly string[] s_off =
        [ForwardedHeaders, "PreferHostingUrls", "OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"];

    /// <summary>Call it when all other sources of the configuration are there: the last one wins.</summary>
    public static void AddPlatformSettings(this IHostApplicationBuilder builder)
    {
        builder.Configuration.AddInMemoryCollection(s_off.Select(key => KeyValuePair.Create(key, (string?)"false")));
        // A bare 400 would not say which parameter is wrong; in Development this is so by default.
        builder.Services.PostConfigure<Microsoft.AspNetCore.Routing.RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    }

    /// <summary>Whether somebody wanted the platform to read X-Forwarded-For.</summary>
    public static bool WantForwardedHeaders(IConfiguration configuration) => configuration is IConfigurationRoot root
        && root.Providers.Any(provider => provider.TryGet(ForwardedHeaders, out var value) && string.Equals(value, "true", StringComparison.OrdinalIgnoreCase));
}
