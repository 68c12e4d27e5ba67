namespace SseApp.Events.Log;

/// <summary>A subscription to one topic's channel; disposing it unsubscribes.</summary>
internal interface ITopicSubscription : IAsyncDisposable;
