namespace SseApp.Tests.Infrastructure;

/// <summary>Many streams that were opened at once, each past its <c>stream.open</c>.</summary>
internal sealed class OpenStreams : IDisposable
{
    private OpenStreams(StreamClient[] clients) => Clients = clients;

    public IReadOnlyList<StreamClient> Clients { get; }

    public static Task<OpenStreams> OpenAsync(IEnumerable<HttpClient> gateways) =>
        OpenAsync(gateways.Select(gateway => (gateway, "/events?topic=a")));

    public static async Task<OpenStreams> OpenAsync(IEnumerable<(HttpClient Gateway, string Path)> requests) =>
        new(await Task.WhenAll(requests.Select(async request =>
        {
            var client = await StreamClient.OpenAsync(request.Gateway, request.Path);
            await client.ReadUntilAsync("\n\n");
            return client;
        })));

    public void Dispose()
    {
        foreach (var client in Clients)
        {
            client.Dispose();
        }
    }
}
