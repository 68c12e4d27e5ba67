using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

internal enum StreamAdmission
{
    Admitted,
    ClientFull,
    GatewayFull,
}

/// <summary>Open streams by client and in all.</summary>
internal sealed class StreamCounts(int inAll)
{
    private readonly ClientCounts _clients = new();
    private int _streams;

    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Clients with an open stream.</summary>
    public int Clients => _clients.Clients;

    /// <summary>Counts a stream; every <see cref="StreamAdmission.Admitted"/> is followed by one <see cref="Leave"/>.</summary>
    public StreamAdmission TryEnter(ClientKey client, int perClient)
    {
        if (Interlocked.Increment(ref _streams) > inAll && inAll > 0)
        {
            Interlocked.Decrement(ref _streams);
            return StreamAdmission.GatewayFull;
        }

        if (_clients.TryAdd(client, perClient))
        {
            return StreamAdmission.Admitted;
        }

        Interlocked.Decrement(ref _streams);
        return StreamAdmission.ClientFull;
    }

    public void Leave(ClientKey client, int perClient)
    {
        Interlocked.Decrement(ref _streams);
        _clients.Remove(client, perClient);
    }
}
