namespace SseApp.Gateway.Tls;

internal static class TlsAddresses
{
    /// <exception cref="FormatException">An address is not one.</exception>
    public static IReadOnlyList<BindingAddress> Parse(string? urls) =>
        [.. (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(BindingAddress.Parse)];

    /// <summary>The plain addresses that the server would listen on by itself; from here on it listens only where it is told to.</summary>
    public static IReadOnlyList<BindingAddress> TakeOver(ConfigurationManager configuration)
    {
        var urls = configuration["urls"];
        if (string.IsNullOrWhiteSpace(urls))
        {
            var ports = configuration["http_ports"] ?? "";
            urls = string.Join(';', ports.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(port => $"http://*:{port}"));
        }

        // Otherwise the server warns at each start that it overrides them.
        configuration["urls"] = "";
        configuration["http_ports"] = "";
        configuration["https_ports"] = "";
        return Parse(urls);
    }
}
