namespace SseApp.Cli.Gateway;

/// <summary>Where the gateway answers: as the command says, as a variable says, or as the gateway itself is told in whose container this runs.</summary>
internal static class GatewayAddress
{
    public const string OperatorVariable = "SSE_ADMIN_URL";
    public const string ClientVariable = "SSE_URL";
    public const string OperatorDefault = "http://127.0.0.1:8081";
    public const string ClientDefault = "http://127.0.0.1:8080";

    /// <summary>Its listener for operators.</summary>
    public static Uri OfOperators(string? option, Func<string, string?> variable) =>
        Chosen(option, variable, OperatorVariable) ?? FirstOf(variable("Admin__Urls")) ?? new Uri(OperatorDefault);

    /// <summary>Its listener for clients.</summary>
    public static Uri OfClients(string? option, Func<string, string?> variable) =>
        Chosen(option, variable, ClientVariable) ?? FirstOf(variable("ASPNETCORE_URLS")) ?? OfPort(variable("ASPNETCORE_HTTP_PORTS")) ?? new Uri(ClientDefault);

    private static Uri? Chosen(string? option, Func<string, string?> variable, string name) =>
        !string.IsNullOrWhiteSpace(option) ? Parse(option, "--url")
            : variable(name) is { } text && !string.IsNullOrWhiteSpace(text) ? Parse(text, name)
            : null;

    private static Uri Parse(string text, string source) =>
        Uri.TryCreate(text.Trim(), UriKind.Absolute, out var address) && address is { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
            ? address
            // What is there may be anything, also a URL with a password.
            : throw ToolException.Usage($"{source} is no address of a gateway: write http:// or https://, a host and a port, and nothing behind it, such as {OperatorDefault}.");

    // Of a list as servers take it: http://*:8081;http://10.0.0.7:8081
    private static Uri? FirstOf(string? urls)
    {
        foreach (var url in (urls ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var own = url;
            foreach (var any in (ReadOnlySpan<string>)["//*", "//+", "//0.0.0.0", "//[::]"])
            {
                own = own.Replace(any, "//127.0.0.1", StringComparison.Ordinal);
            }

            if (Uri.TryCreate(own, UriKind.Absolute, out var address) && address is { Scheme: "http" or "https", Port: > 0 })
            {
                return new Uri(address.GetLeftPart(UriPartial.Authority));
            }
        }

        return null;
    }

    private static Uri? OfPort(string? ports) =>
        ushort.TryParse((ports ?? "").Split(';')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"))
            : null;
}
