namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>
/// The log categories of the platform and of YARP that write whole URLs, or an <c>Origin</c> as it came, tokens and tickets included, below <c>Warning</c>: they are
/// silent whatever <c>Logging</c> says. A filter beside the others would not do, because a level that is set for one output
/// (<c>Logging:Console:LogLevel:Default</c>) goes before all that are set for every output; so each rule asks here, too.
/// </summary>
internal sealed class UrlCategories : IPostConfigureOptions<LoggerFilterOptions>
{
    private static readonly string[] s_categories =
    [
        "Microsoft.AspNetCore.Cors",
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Microsoft.AspNetCore.HttpsPolicy",
        "Microsoft.AspNetCore.ResponseCompression",
        "Microsoft.AspNetCore.Routing",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
        "Microsoft.AspNetCore.StaticFiles",
        "Yarp.ReverseProxy.Forwarder.HttpForwarder",
    ];

    public void PostConfigure(string? name, LoggerFilterOptions options)
    {
        LoggerFilterRule[] rules = [.. options.Rules];
        options.Rules.Clear();
        // For categories that no rule is about.
        options.Rules.Add(new LoggerFilterRule(null, null, options.MinLevel, static (_, category, level) => IsShown(category, level)));
        foreach (var rule in rules)
        {
            options.Rules.Add(new LoggerFilterRule(
                rule.ProviderName,
                rule.CategoryName,
                rule.LogLevel,
                rule.Filter is { } filter
                    ? (provider, category, level) => IsShown(category, level) && filter(provider, category, level)
                    : static (_, category, level) => IsShown(category, level)));
        }
    }

    private static bool IsShown(string? category, LogLevel level) =>
        level >= LogLevel.Warning || category is null || !Array.Exists(s_categories, hidden => category.StartsWith(hidden, StringComparison.OrdinalIgnoreCase));
}
