namespace SseApp.ServiceDefaults.Defaults.Lifetime;

internal static class ListenAddresses
{
    /// <summary>Addresses as <c>Urls</c> has them, read one after the other.</summary>
    /// <exception cref="FormatException">The next one is none.</exception>
    public static IEnumerable<BindingAddress> Parse(string? urls) =>
        (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(BindingAddress.Parse);
}
