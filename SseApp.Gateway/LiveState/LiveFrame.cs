namespace SseApp.Gateway.LiveState;

/// <summary>What every viewer is sent of one second, encoded once for all of them: blocks of an event stream.</summary>
/// <param name="Number">Of its point in the history.</param>
/// <param name="State">The replicas, this gateway, and the point.</param>
/// <param name="Alerts">The same object as in the frame before when nothing changed, like the next two.</param>
/// <param name="Actions">What operators did.</param>
/// <param name="Reload">The newest rolling reload; <c>null</c> when there is none.</param>
internal sealed record LiveFrame(long Number, byte[] State, byte[] Alerts, byte[] Actions, byte[] Reload)
{
    private readonly TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when there is a newer one.</summary>
    public Task Next => _next.Task;

    public void Replace() => _next.TrySetResult();
}
