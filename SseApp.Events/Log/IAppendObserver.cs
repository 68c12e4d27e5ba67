namespace SseApp.Events.Log;

/// <summary>Is told of publishes once Redis has answered them, or has failed to.</summary>
internal interface IAppendObserver
{
    /// <summary>Something of so many bytes may have been appended to the topic's log. Called for each publish, so it must cost next to nothing.</summary>
    void Appended(string topic, int bytes);
}
