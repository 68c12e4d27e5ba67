using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>What a Redis server does to its subscribers on a bad day.</summary>
internal static class RedisFaults
{
    private const string DefaultLimit = "pubsub 33554432 8388608 60";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Cuts every subscribed connection.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<int> KillSubscriptionsAsync(IServer server) => (int)await server.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");

    /// <summary>
    /// Lets Redis cut each subscribed connection for which more than 32 KiB wait, while <paramref name="act"/> runs.
    /// Fails if none was cut.
    /// </summary>
    public static async Task KickSubscriptionsAsync(IServer server, Func<Task> act)
    {
        var before = await SubscribedClientsAsync(server);
        await server.ExecuteAsync("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32768 0 0");
        try
        {
            await act();
            Assert.NotEqual(before, await SubscribedClientsAsync(server));
        }
        finally
        {
            await server.ExecuteAsync("CONFIG", "SET", "client-output-buffer-limit", DefaultLimit);
        }
    }

    /// <summary>The ids of the connections that are subscribed, once there are any.</summary>
    private static async Task<string> SubscribedClientsAsync(IServer server)
    {
        var ids = "";
        await Eventually.Async(
            async () =>
            {
                var clients = (string)(await server.ExecuteAsync("CLIENT", "LIST", "TYPE", "pubsub"))!;
                ids = string.Join(' ', clients.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
                return ids.Length > 0;
            },
            s_limit,
            "a subscribed connection");
        return ids;
    }
}
