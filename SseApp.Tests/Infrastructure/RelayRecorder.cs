namespace SseApp.Tests.Infrastructure;

/// <summary>Reads frames in pieces of any size and keeps what each stream got; the end of one is an exclamation mark.</summary>
internal sealed class RelayRecorder : IRelayFrameHandler
{
    public Dictionary<int, List<byte>> Streams { get; } = [];

    public long Cost { get; private set; }

    public int DataFrames { get; private set; }

    /// <returns>Bytes of whole frames.</returns>
    public int Feed(ReadOnlySpan<byte> bytes, int piece)
    {
        var (handled, available) = (0, 0);
        while (available < bytes.Length)
        {
            available = (int)Math.Min(bytes.Length, (long)available + piece);
            handled += RelayInput.Handle(bytes[handled..available], this, out _);
        }

        return handled;
    }

    public void OnFrame(RelayFrameType type, ReadOnlySpan<byte> body)
    {
        var (length, deliveries) = (RelayProtocol.HeaderLength + body.Length, 0);
        switch (type)
        {
            case RelayFrameType.Data:
                var data = RelayData.Read(body);
                deliveries = data.Count;
                DataFrames++;
                for (var i = 0; i < data.Count; i++)
                {
                    List(data[i]).AddRange(data.Payload);
                }

                break;
            case RelayFrameType.Head:
                RelayHead.Read(body);
                break;
            default:
                List(RelayHeaders.ReadNumber(ref body)).Add((byte)'!');
                break;
        }

        Cost += RelayProtocol.Cost(length, deliveries);
    }

    public bool OnPause() => false;

    private List<byte> List(int id)
    {
        if (!Streams.TryGetValue(id, out var list))
        {
            Streams[id] = list = [];
        }

        return list;
    }
}
