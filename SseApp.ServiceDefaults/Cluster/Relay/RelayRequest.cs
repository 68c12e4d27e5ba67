namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>A short request, whole. Its method is POST.</summary>
/// <param name="Id">Its number among the requests of its connection.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Headers">As the replica would get them from the gateway in a request of its own; a name may repeat.</param>
/// <param name="Body">At most <see cref="RelayProtocol.MaxRequestBody"/>.</param>
internal sealed record RelayRequest(int Id, string Target, IReadOnlyCollection<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body)
{
    public void Write(IBufferWriter<byte> writer)
    {
        RelayHeaders.WriteNumber(writer, Id);
        RelayHeaders.WriteString(writer, Target);
        RelayHeaders.Write(writer, Headers);
        writer.Write(Body.Span);
    }

    public static RelayRequest Read(ReadOnlySpan<byte> body)
    {
        var id = RelayHeaders.ReadNumber(ref body);
        var target = RelayHeaders.ReadString(ref body);
        if (!RelayOpen.IsTarget(target))
        {
            throw new RelayProtocolException("A relay frame has a request target that no server takes.");
        }

        var headers = RelayHeaders.ReadList(ref body);
        return body.Length <= RelayProtocol.MaxRequestBody
            ? new RelayRequest(id, target, headers, body.ToArray())
            : throw new RelayProtocolException($"A relayed request has a body of {body.Length} bytes; {RelayProtocol.MaxRequestBody} are allowed.");
    }
}

/// <summary>The whole answer to a <see cref="RelayRequest"/>.</summary>
/// <param name="Id">The request's.</param>
/// <param name="Status">Status code.</param>
/// <param name="Headers">A name may repeat.</param>
/// <param name="Body">What follows them.</param>
internal sealed record RelayAnswer(int Id, int Status, IReadOnlyCollection<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body)
{
    public void Write(IBufferWriter<byte> writer)
    {
        new RelayHead(Id, Status, Headers).Write(writer);
        writer.Write(Body.Span);
    }

    public static RelayAnswer Read(ReadOnlySpan<byte> body)
    {
        var head = RelayHead.Read(ref body);
        return new RelayAnswer(head.Id, head.Status, head.Headers, body.ToArray());
    }
}
