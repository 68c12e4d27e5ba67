namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>A request for a stream. Its method is GET, and it has no body.</summary>
/// <param name="Id">Number of the stream on its connection.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Headers">As the replica would get them from the gateway in a request of its own; a name may repeat.</param>
internal sealed record RelayOpen(int Id, string Target, IReadOnlyCollection<KeyValuePair<string, string>> Headers)
{
    /// <summary>Whether a server would take such a request; an <see cref="Read"/> of another ends the connection.</summary>
    public static bool IsValid(string target, IReadOnlyCollection<KeyValuePair<string, string>> headers) =>
        IsTarget(target) && RelayHeaders.AreValid(headers);

    public void Write(IBufferWriter<byte> writer)
    {
        RelayHeaders.WriteNumber(writer, Id);
        RelayHeaders.WriteString(writer, Target);
        RelayHeaders.Write(writer, Headers);
    }

    public static RelayOpen Read(ReadOnlySpan<byte> body)
    {
        var id = RelayHeaders.ReadNumber(ref body);
        var target = RelayHeaders.ReadString(ref body);
        if (!IsTarget(target))
        {
            throw new RelayProtocolException("A relay frame has a request target that no server takes.");
        }

        return new RelayOpen(id, target, RelayHeaders.Read(ref body));
    }

    // As Kestrel: ASCII without what would end the target or the line.
    internal static bool IsTarget(string target) =>
        target.StartsWith('/') && System.Text.Ascii.IsValid(target) && target.AsSpan().IndexOfAny("\r\n\0 ") < 0;
}
