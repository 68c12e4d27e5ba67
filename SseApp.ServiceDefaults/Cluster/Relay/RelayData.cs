namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>The body of a DATA frame: bytes, and the streams that get them.</summary>
internal readonly ref struct RelayData
{
    private readonly ReadOnlySpan<byte> _ids;

    private RelayData(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> ids)
    {
        Payload = payload;
        _ids = ids;
    }

    public ReadOnlySpan<byte> Payload { get; }

    public int Count => _ids.Length / 4;

    public int this[int index] => BinaryPrimitives.ReadInt32LittleEndian(_ids[(index * 4)..]);

    public static RelayData Read(ReadOnlySpan<byte> body)
    {
        var length = RelayHeaders.ReadNumber(ref body);
        if (length <= 0 || length > body.Length || (body.Length - length) % 4 != 0)
        {
            throw new RelayProtocolException($"A relay frame of {body.Length} bytes says that {length} of them are data.");
        }

        return new RelayData(body[..length], body[length..]);
    }
}
