namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>The head of a response.</summary>
/// <param name="Id">Number of the stream on its connection.</param>
/// <param name="Status">Status code.</param>
/// <param name="Headers">A name may repeat.</param>
internal sealed record RelayHead(int Id, int Status, IReadOnlyCollection<KeyValuePair<string, string>> Headers)
{
    public void Write(IBufferWriter<byte> writer)
    {
        RelayHeaders.WriteNumber(writer, Id);
        RelayHeaders.WriteNumber(writer, Status);
        RelayHeaders.Write(writer, Headers);
    }

    public static RelayHead Read(ReadOnlySpan<byte> body)
    {
        var head = Read(ref body);
        RelayHeaders.ReadEnd(body);
        return head;
    }

    /// <summary>Reads a head that something follows.</summary>
    public static RelayHead Read(ref ReadOnlySpan<byte> body)
    {
        var id = RelayHeaders.ReadNumber(ref body);
        var status = RelayHeaders.ReadNumber(ref body);
        if (status is < 200 or > 599)
        {
            throw new RelayProtocolException($"A relayed response has status {status}.");
        }

        return new RelayHead(id, status, RelayHeaders.ReadList(ref body));
    }
}
