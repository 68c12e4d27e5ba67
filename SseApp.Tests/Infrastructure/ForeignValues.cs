using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>What somebody can put under a key that is not for that: every type of value, and texts that are none.</summary>
internal static class ForeignValues
{
    public static readonly string[] Names = ["text", "bytes", "huge", "list", "set", "hash", "sorted set", "stream"];

    public static async Task PutAsync(IDatabase database, RedisKey key, string name)
    {
        await database.KeyDeleteAsync(key);
        switch (name)
        {
            case "text":
                await database.StringSetAsync(key, "evil");
                break;
            case "bytes":
                await database.StringSetAsync(key, new byte[] { 0xff, 0, 0xc3, 0x28, (byte)'\n', 1 });
                break;
            case "huge":
                await database.StringSetAsync(key, new byte[2 * 1024 * 1024]);
                break;
            case "list":
                await database.ListRightPushAsync(key, ["evil", new byte[2 * 1024 * 1024]]);
                break;
            case "set":
                await database.SetAddAsync(key, "evil");
                break;
            case "hash":
                await database.HashSetAsync(key, [new("epoch", "nothex"), new("offset", "evil"), new("published", "-1"), new("size", "x")]);
                break;
            case "sorted set":
                await database.SortedSetAddAsync(key, "evil", 1);
                break;
            default:
                try
                {
                    await database.StreamAddAsync(key, "evil", "evil");
                }
                catch (RedisServerException exception) when (exception.Message.Contains("unknown command", StringComparison.OrdinalIgnoreCase))
                {
                    // Garnet has no streams.
                    await database.StringSetAsync(key, "evil");
                }

                break;
        }
    }
}
