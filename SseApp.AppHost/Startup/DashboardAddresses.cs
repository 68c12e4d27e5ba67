using System.Reflection;

namespace SseApp.AppHost.Startup;

/// <summary>
/// The dashboard's addresses where there is no launch profile (<c>dotnet run --no-launch-profile</c>, the program itself): those of the
/// profile. Aspire would take HTTPS, and end over a developer's certificate that most machines do not have. The environment is not
/// completed: without a profile it is Production, and closed.
/// </summary>
internal static class DashboardAddresses
{
    public const string PlainHttp = "ASPIRE_ALLOW_UNSECURED_TRANSPORT";

    /// <summary>The variable that has the address of the dashboard itself.</summary>
    public const string Dashboard = "ASPNETCORE_URLS";

    private const string Telemetry = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    private const string Resources = "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL";

    /// <summary>What else the dashboard needs, by the variable that has the address.</summary>
    public static readonly IReadOnlyList<(string Variable, string User)> Others =
    [
        (Telemetry, "the dashboard's telemetry endpoint (OTLP)"),
        ("ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", "the dashboard's telemetry endpoint (OTLP over HTTP)"),
        (Resources, "the AppHost's resource service"),
    ];

    /// <summary>The dashboard, and what else it needs.</summary>
    public static readonly IReadOnlyList<(string Variable, string User)> All = [(Dashboard, "the dashboard"), .. Others];

    /// <summary>As in <c>Properties/launchSettings.json</c>, which a test compares.</summary>
    public static readonly IReadOnlyDictionary<string, string> Defaults = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [PlainHttp] = "true",
        [Dashboard] = "http://localhost:15080",
        [Telemetry] = "http://localhost:19080",
        [Resources] = "http://localhost:20080",
    };

    /// <summary>The arguments, and the addresses if none is given in any way.</summary>
    public static string[] Complete(string[] args)
    {
        // A test's process brings its own.
        var isProgram = Assembly.GetEntryAssembly() == typeof(DashboardAddresses).Assembly;
        var given = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        return isProgram && Defaults.Keys.Concat(All.Select(each => each.Variable)).All(name => given[name] is null)
            ? [.. Defaults.Select(each => $"--{each.Key}={each.Value}"), .. args]
            : args;
    }
}
