using System.Buffers.Binary;
using System.Net.Security;

namespace SseApp.Tests.Infrastructure;

/// <summary>A frame of HTTP/2 (RFC 9113, 4.1), and what goes with frames when a test makes its own.</summary>
internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Priority = 2;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;

    public const byte EndStream = 1;
    public const byte Acknowledged = 1;
    public const byte EndHeaders = 4;

    private const int HeaderBytes = 9;

    /// <summary>What a client's connection begins with.</summary>
    public static byte[] Preface => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];

    public static byte[] Write(byte type, byte flags, int stream, params byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, .. Number(stream), .. payload];

    public static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>A text in a block of fields, a byte for each character (RFC 7541, 5.2, without Huffman).</summary>
    public static byte[] Text(string value)
    {
        var bytes = Encoding.Latin1.GetBytes(value);
        // A length of 7 bits, continued in groups of 7.
        List<byte> length = [(byte)Math.Min(bytes.Length, 127)];
        for (var rest = bytes.Length - 127; rest >= 0; rest = rest < 128 ? -1 : rest >> 7)
        {
            length.Add((byte)(rest < 128 ? rest : (rest & 127) | 128));
        }

        return [.. length, .. bytes];
    }

    /// <exception cref="IOException">The connection has ended.</exception>
    public static async Task<Http2Frame> ReadAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var header = new byte[HeaderBytes];
        await stream.ReadExactlyAsync(header, cancellationToken);
        var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
        await stream.ReadExactlyAsync(payload, cancellationToken);
        return new Http2Frame(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
    }

    /// <summary>Begins TLS and agrees on HTTP/2.</summary>
    public static async Task<SslStream> SecureAsync(Stream stream, string host)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                // The test's own certificate; TlsTests are about trust.
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        return tls;
    }
}
