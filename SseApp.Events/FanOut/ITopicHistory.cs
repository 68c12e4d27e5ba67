namespace SseApp.Events.FanOut;

/// <summary>Where a shard gets the past of a topic from; the hub of the topic, which is a floor above.</summary>
internal interface ITopicHistory
{
    /// <summary>Answers the request by <see cref="HistoryRequest.Complete"/>, at once or when the log has been read.</summary>
    void Request(HistoryRequest request);
}
