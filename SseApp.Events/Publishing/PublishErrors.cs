using SseApp.Events.Diagnostics;
using StackExchange.Redis;

namespace SseApp.Events.Publishing;

/// <summary>What a publisher gets to know of an event that Redis did not confirm.</summary>
internal static class PublishErrors
{
    public const string NotStored = "The event was not stored. Publish it again after the time in Retry-After.";

    public const string Unanswered =
        "Redis did not answer in time, so the event may or may not be stored. Publish it again with the same Idempotency-Key to store it once.";

    public const string PartlyStored =
        "The event was stored on the topics in 'events' and not on the others. Publish it on those again after the time in Retry-After.";

    public const string PartlyFull =
        "The event was stored on the topics in 'events' and not on the others, for which there was no room.";

    /// <summary>Of a counter of another type, which may be another program's: no publish takes it away.</summary>
    public static string DescribeForeign(bool partly) =>
        (partly ? "The event was stored on the topics in 'events' and not on the others." : "The event was not stored.")
        + " Under the key of the topic's counter in Redis lies something that this cluster has not written there, and publishing again does not help."
        + " An operator has to take it away: DELETE /topics/{topic} drops it with the topic's log, and the next event begins a new one.";

    /// <summary>A <see cref="PublishRefusal"/>, which is the reason in the problem details, too.</summary>
    public static string FullCode(Exception exception) => exception is RedisFullException { OfLogs: true } ? PublishRefusal.StorageFull : PublishRefusal.Full;

    /// <summary>What to do when the server is full.</summary>
    public static string DescribeFull(Exception exception, bool partly = false) =>
        (partly ? PartlyFull : "The event was not stored.") + " "
        + (exception is RedisFullException ? exception.Message : $"The server of the topic logs is full. {RedisMemoryReading.Unlimited.Remedy}.");

    /// <summary>
    /// A command that was sent before the connection broke may have been executed; of one that the client library dropped with
    /// its connection nobody knows how far it came.
    /// </summary>
    /// <returns>A <see cref="PublishOutcome"/>.</returns>
    public static string Outcome(Exception exception) =>
        exception is RedisTimeoutException or RedisConnectionException { CommandStatus: CommandStatus.Sent } || RedisErrors.IsTornDown(exception)
            ? PublishOutcome.Unknown
            : PublishOutcome.NotStored;

    /// <summary>The server cannot be reached, or does not answer: it would be the same for what is sent next.</summary>
    public static bool IsUnanswered(Exception exception) => exception is RedisTimeoutException or RedisConnectionException || RedisErrors.IsTornDown(exception);

    /// <param name="outcome">A <see cref="PublishOutcome"/>.</param>
    /// <param name="cause">What happened: a server that answers says why it stores nothing, and no attempt helps before somebody acts.</param>
    /// <param name="partly">Some of it is stored.</param>
    public static string Describe(string outcome, Exception? cause = null, bool partly = false) =>
        outcome == PublishOutcome.Unknown ? Unanswered
            : (partly ? PartlyStored : NotStored) + (cause is RedisServerException or RedisCommandException && RedisErrors.StoresNothing(cause.Message) is { } reason ? $" {reason}" : "");
}
