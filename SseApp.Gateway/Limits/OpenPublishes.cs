using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Publishes that have been charged for all that they could store, because nobody knows yet what they do, by client.</summary>
internal sealed class OpenPublishes
{
    private readonly Dictionary<ClientKey, Open> _clients = [];

    /// <summary>Held by whoever does several of these at once.</summary>
    public Lock Gate { get; } = new();

    /// <param name="client">Whose publish begins.</param>
    /// <param name="isBatch">Whether it may turn out to be far less than what it was charged for.</param>
    public void Enter(ClientKey client, bool isBatch)
    {
        lock (Gate)
        {
            if (!_clients.TryGetValue(client, out var open))
            {
                _clients[client] = open = new Open();
            }

            open.Count++;
            open.Batches += isBatch ? 1 : 0;
        }
    }

    public void Leave(ClientKey client, bool isBatch)
    {
        TaskCompletionSource? waiting = null;
        lock (Gate)
        {
            if (_clients.TryGetValue(client, out var open))
            {
                (waiting, open.Left) = (open.Left, null);
                open.Batches -= isBatch ? 1 : 0;
                if (--open.Count == 0)
                {
                    _clients.Remove(client);
                }
            }
        }

        waiting?.TrySetResult();
    }

    /// <summary>Whether a batch of the client is under way.</summary>
    public bool HasBatch(ClientKey client)
    {
        lock (Gate)
        {
            return _clients.TryGetValue(client, out var open) && open.Batches > 0;
        }
    }

    /// <summary>Ends when the next of the client's publishes is over; null if there is none.</summary>
    public TaskCompletionSource? NextOf(ClientKey client)
    {
        lock (Gate)
        {
            return _clients.TryGetValue(client, out var open)
                ? open.Left ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
                : null;
        }
    }

    private sealed class Open
    {
        public int Count { get; set; }

        public int Batches { get; set; }

        public TaskCompletionSource? Left { get; set; }
    }
}
