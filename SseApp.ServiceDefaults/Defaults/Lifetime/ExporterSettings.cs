namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// What the exporter of telemetry reads for itself: from some values it throws, which would end the start with a stack trace, and with
/// an address that is none it exports nothing and says nothing.
/// </summary>
internal static class ExporterSettings
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // For all signals, or one.
    private static readonly string[] s_endpoints = [Endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];
    private static readonly string[] s_headers = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"];
    private static readonly string[] s_periods = ["OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"];

    /// <summary>Where telemetry goes; null: nowhere, and nothing else of it is read.</summary>
    public static string? Destination(IConfiguration configuration) => configuration[Endpoint] is { } endpoint && !string.IsNullOrWhiteSpace(endpoint) ? endpoint : null;

    /// <summary>A line for each that cannot be used. Headers hold credentials, so their value is not in it.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration) => Destination(configuration) is null ? [] :
    [
        .. Set(configuration, s_endpoints).Where(pair => !IsAddress(pair.Value)).Select(pair => $"{pair.Name} is {SettingsReading.Quote(pair.Value)}; it must be an address such as http://collector:4317."),
        .. Set(configuration, s_headers).Where(pair => !AreHeaders(pair.Value)).Select(pair => $"{pair.Name} cannot be used; it must be name=value, several separated by commas."),
        .. Set(configuration, s_periods).Where(pair => !IsPeriod(pair.Value)).Select(pair => $"{pair.Name} is {SettingsReading.Quote(pair.Value)}; it must be a whole number of milliseconds, at least 1."),
    ];

    private static IEnumerable<(string Name, string Value)> Set(IConfiguration configuration, string[] names) =>
        names.Select(name => (name, configuration[name] ?? "")).Where(pair => !string.IsNullOrWhiteSpace(pair.Item2));

    private static bool IsAddress(string value) => Uri.TryCreate(value, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);

    private static bool AreHeaders(string value) =>
        Array.TrueForAll(Uri.UnescapeDataString(value).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), header => header.IndexOf('=', StringComparison.Ordinal) > 0);

    private static bool IsPeriod(string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds > 0;
}
