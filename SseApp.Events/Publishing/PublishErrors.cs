using StackExchange.Redis;

namespace SseApp.Events.Publishing;

internal static class PublishErrors
{
    public const string NotStored = "The event was not stored. Publish it again after the time in Retry-After.";

    public const string Unanswered =
        "Redis did not answer in time, so the event may or may not be stored. Publish it again with the same Idempotency-Key to store it once.";

    /// <summary>What a publisher is to be told. A command that was sent before the connection broke may have been executed.</summary>
    public static string Describe(Exception exception) =>
        exception is RedisTimeoutException or RedisConnectionException { CommandStatus: CommandStatus.Sent } ? Unanswered : NotStored;
}
