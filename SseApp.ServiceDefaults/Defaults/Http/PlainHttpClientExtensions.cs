namespace SseApp.ServiceDefaults.Defaults.Http;

internal static class PlainHttpClientExtensions
{
    /// <summary>
    /// Adds a client without what all others get: no retries and no time limit but the caller's, no log lines with the
    /// addresses that are called, no redirects.
    /// </summary>
    /// <param name="services">The service.</param>
    /// <param name="name">The client's.</param>
    /// <param name="useProxy">
    /// Whether a proxy that the environment names (<c>http_proxy</c>) is used: for what is outside. Parts of the cluster ask each other directly.
    /// </param>
    public static IHttpClientBuilder AddPlainHttpClient(this IServiceCollection services, string name, bool useProxy)
    {
        var client = services.AddHttpClient(name, client => client.Timeout = Timeout.InfiniteTimeSpan).RemoveAllLoggers();
#pragma warning disable EXTEXP0001 // Experimental since it came; without it every client has the standard handler of the service defaults.
        client.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        return client.ConfigurePrimaryHttpMessageHandler(() => new CutConnectionHandler(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = useProxy,
            Proxy = useProxy ? new OutsideProxy() : null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        }));
    }
}
