namespace SseApp.Tests.Infrastructure;

/// <summary>A client that reads only when it is told to, so that what is sent to it piles up on the way.</summary>
internal interface IStreamPeer : IDisposable
{
    /// <summary>Opens a stream and reads its <c>stream.open</c>.</summary>
    Task OpenAsync(string query);

    /// <summary>The next event, comments left out; null after a clean end.</summary>
    Task<SseEvent?> NextAsync();

    /// <summary>Cuts the connection with a reset.</summary>
    void Reset();
}
