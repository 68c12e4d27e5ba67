using SseApp.Events.FanOut;

namespace SseApp.Events.Relay;

/// <summary>Writes to a client through its gateway.</summary>
internal sealed class RelayStreamWriter(RelayServerStream request, RelayServerConnection connection) : IShardWriter
{
    public int ShardIndex => connection.ShardIndex;

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        // What is sent while the client is blocked waits in the gateway, once: the task completes when it was taken.
        var ready = request.Ready;
        if (request.IsGone)
        {
            return new ValueTask<bool>(false);
        }

        var sent = connection.Output.AppendData(request.Id, ref request.Frame, buffer);
        connection.Shard.FlushSoon(connection.Output);
        return ready is null || !sent.IsCompletedSuccessfully ? sent : new ValueTask<bool>(ready);
    }

    public void Abort() => request.Cut();
}
