namespace SseApp.Gateway.Tls;

internal static class TlsAddresses
{
    /// <exception cref="FormatException">An address is not one.</exception>
    public static IReadOnlyList<BindingAddress> Parse(string? urls) =>
        [.. (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(BindingAddress.Parse)];

    /// <summary>The plain addresses, where the server would listen by itself if there were no HTTPS.</summary>
    public static IReadOnlyList<BindingAddress> Plain(IConfiguration configuration)
    {
        var urls = configuration["urls"];
        if (string.IsNullOrWhiteSpace(urls))
        {
            var ports = configuration["http_ports"] ?? "";
            urls = string.Join(';', ports.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(port => $"http://*:{port}"));
        }

        return Parse(urls);
    }
}
