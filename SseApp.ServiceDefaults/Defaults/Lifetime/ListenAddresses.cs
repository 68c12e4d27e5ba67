namespace SseApp.ServiceDefaults.Defaults.Lifetime;

internal static class ListenAddresses
{
    /// <summary>Addresses as <c>Urls</c> has them, read one after the other.</summary>
    /// <exception cref="FormatException">The next one is none.</exception>
    public static IEnumerable<BindingAddress> Parse(string? urls) =>
        (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(BindingAddress.Parse);

    /// <summary>The addresses that the settings give the server, without those of a section of ours; where it would listen by itself, if there is none.</summary>
    /// <exception cref="FormatException">One of them is none.</exception>
    public static IReadOnlyList<BindingAddress> Configured(IConfiguration configuration)
    {
        IReadOnlyList<BindingAddress> endpoints = [.. configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => BindingAddress.Parse(endpoint["Url"] ?? ""))];
        return endpoints.Count > 0 ? endpoints
            : Plain(configuration) is { Count: > 0 } plain ? plain
            : [BindingAddress.Parse("http://localhost:5000")];
    }

    /// <summary>The addresses in <c>Urls</c>, else those of the ports.</summary>
    public static IReadOnlyList<BindingAddress> Plain(IConfiguration configuration)
    {
        var urls = configuration["urls"];
        if (string.IsNullOrWhiteSpace(urls))
        {
            var ports = configuration["http_ports"] ?? "";
            urls = string.Join(';', ports.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(port => $"http://*:{port}"));
        }

        return [.. Parse(urls)];
    }
}
