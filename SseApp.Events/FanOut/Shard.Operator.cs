using SseApp.Events.Diagnostics;

namespace SseApp.Events.FanOut;

/// <content>What operators ask.</content>
internal sealed partial class Shard
{
    /// <summary>Runs <paramref name="inspect"/> in the loop, which waits for it: it must be quick and keep nothing.</summary>
    public Task<T> InspectAsync<T>(Func<IReadOnlyList<StreamConnection>, T> inspect) => RunInLoopAsync(() => inspect(_connections));

    /// <summary>Begins to end every stream that fits.</summary>
    /// <returns>How many.</returns>
    public Task<int> DisconnectAsync(Predicate<StreamConnection> fits, bool permanent) => RunInLoopAsync(() =>
    {
        var ended = 0;

        // Backwards, because a stream that leaves at once is replaced by the last one.
        for (var i = _connections.Count - 1; i >= 0; i--)
        {
            var connection = _connections[i];
            if (connection.Closing is null && fits(connection))
            {
                BeginClose(connection, permanent ? CloseReason.OperatorForGood : CloseReason.Operator);
                ended++;
            }
        }

        return ended;
    });

    private Task<T> RunInLoopAsync<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(ShardWorkKind.Run, () =>
        {
            try
            {
                completion.SetResult(work());
            }
#pragma warning disable CA1031 // Whoever asked gets the exception; the loop goes on.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }
}
