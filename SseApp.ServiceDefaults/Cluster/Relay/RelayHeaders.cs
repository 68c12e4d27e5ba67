using System.Text;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>
/// Strings and header lists within frames: each string is its length in bytes (32 bits) and UTF-8. Names and values are
/// checked as Kestrel checks them in a request of its own: nothing behind it expects a line break in a header.
/// </summary>
internal static class RelayHeaders
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Names that most requests and answers have, by their length: to read one of them makes no string, and none of them has to be checked.
    private static readonly (byte[] Bytes, string Name)[]?[] s_known = ByLength(
        "Host", "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Length", "Content-Type", "Cookie",
        "Idempotency-Key", "Last-Event-ID", "Origin", "Referer", "User-Agent", "X-Api-Key", "X-Content-Type-Options", "X-Forwarded-For",
        "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "traceparent", "tracestate", Protocol.StreamHeaders.Stored, Protocol.StreamHeaders.Placement,
        Protocol.StreamHeaders.Spread);

    private static readonly SearchValues<char> s_lineBreaks = SearchValues.Create("\r\n\0");

    /// <summary>Whether a server would take them.</summary>
    public static bool AreValid(IReadOnlyCollection<KeyValuePair<string, string>> headers) => headers.All(static header => IsValid(header.Key, header.Value));

    public static void WriteString(IBufferWriter<byte> writer, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        var span = writer.GetSpan(4 + length);
        BinaryPrimitives.WriteInt32LittleEndian(span, length);
        Encoding.UTF8.GetBytes(value, span[4..]);
        writer.Advance(4 + length);
    }

    public static void Write(IBufferWriter<byte> writer, IReadOnlyCollection<KeyValuePair<string, string>> headers)
    {
        WriteNumber(writer, headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteString(writer, name);
            WriteString(writer, value);
        }
    }

    public static void WriteNumber(IBufferWriter<byte> writer, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(writer.GetSpan(4), value);
        writer.Advance(4);
    }

    public static int ReadNumber(ref ReadOnlySpan<byte> body)
    {
        if (body.Length < 4)
        {
            throw new RelayProtocolException("A relay frame is shorter than its fields.");
        }

        var value = BinaryPrimitives.ReadInt32LittleEndian(body);
        body = body[4..];
        return value;
    }

    /// <summary>Reads a 64 bit number that is the whole body.</summary>
    public static long ReadLong(ReadOnlySpan<byte> body) =>
        body.Length == 8
            ? BinaryPrimitives.ReadInt64LittleEndian(body)
            : throw new RelayProtocolException($"A relay frame that holds one number has {body.Length} bytes.");

    public static void WriteLong(IBufferWriter<byte> writer, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(8), value);
        writer.Advance(8);
    }

    public static string ReadString(ref ReadOnlySpan<byte> body)
    {
        var length = ReadNumber(ref body);
        if ((uint)length > (uint)body.Length)
        {
            throw new RelayProtocolException("A string in a relay frame is longer than the frame.");
        }

        try
        {
            var value = s_utf8.GetString(body[..length]);
            body = body[length..];
            return value;
        }
        catch (DecoderFallbackException)
        {
            throw new RelayProtocolException("A string in a relay frame is not UTF-8.");
        }
    }

    /// <summary>Reads a list that ends with the frame.</summary>
    public static KeyValuePair<string, string>[] Read(ref ReadOnlySpan<byte> body)
    {
        var headers = ReadList(ref body);
        ReadEnd(body);
        return headers;
    }

    /// <summary>Reads a list that something follows.</summary>
    public static KeyValuePair<string, string>[] ReadList(ref ReadOnlySpan<byte> body)
    {
        var count = ReadNumber(ref body);
        // Each takes at least two lengths: a damaged count cannot make a large array.
        if (count < 0 || count > body.Length / 8)
        {
            throw new RelayProtocolException($"A relay frame has no room for {count} headers.");
        }

        var headers = new KeyValuePair<string, string>[count];
        for (var i = 0; i < count; i++)
        {
            var known = ReadKnownName(ref body);
            var name = known ?? ReadString(ref body);
            headers[i] = KeyValuePair.Create(name, ReadString(ref body));
            if (known is null ? !IsValid(name, headers[i].Value) : headers[i].Value.AsSpan().ContainsAny(s_lineBreaks))
            {
                throw new RelayProtocolException("A relay frame has a header that no server takes.");
            }
        }

        return headers;
    }

    private static string? ReadKnownName(ref ReadOnlySpan<byte> body)
    {
        if (body.Length >= 4 && BinaryPrimitives.ReadInt32LittleEndian(body) is var length && (uint)length < (uint)s_known.Length && s_known[length] is { } names && body.Length - 4 >= length)
        {
            var text = body.Slice(4, length);
            foreach (var (bytes, name) in names)
            {
                if (text.SequenceEqual(bytes))
                {
                    body = body[(4 + length)..];
                    return name;
                }
            }
        }

        return null;
    }

    private static (byte[] Bytes, string Name)[]?[] ByLength(params string[] names)
    {
        var known = new (byte[] Bytes, string Name)[]?[names.Max(static name => name.Length) + 1];
        foreach (var group in names.GroupBy(static name => name.Length))
        {
            known[group.Key] = [.. group.Select(static name => (Encoding.ASCII.GetBytes(name), name))];
        }

        return known;
    }

    private static bool IsValid(string name, string value) =>
        HeaderName.IsValid(name) && !value.AsSpan().ContainsAny(s_lineBreaks);

    public static void ReadEnd(ReadOnlySpan<byte> body)
    {
        if (!body.IsEmpty)
        {
            throw new RelayProtocolException($"A relay frame is {body.Length} bytes longer than its fields.");
        }
    }
}
