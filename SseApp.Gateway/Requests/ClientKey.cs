using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace SseApp.Gateway.Requests;

/// <summary>What a limit is counted by: an address, an IPv6 network, a client that configuration names, or the hash of a principal or of a credential. Compact: there may be one for every stream.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ClientKey
{
    /// <summary>Bytes of the longest address.</summary>
    public const int Size = 16;

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly Kind _kind;

    private ClientKey(Kind kind, ulong high, ulong low)
    {
        _kind = kind;
        _high = high;
        _low = low;
    }

    private enum Kind : byte
    {
        Unknown,
        IPv4,
        IPv6,
        Credential,
        Named,
    }

    public static ClientKey OfAddress(IPAddress? address, int ipv6PrefixLength)
    {
        if (address is null)
        {
            return default;
        }

        Span<byte> bytes = stackalloc byte[Size];
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        plain.TryWriteBytes(bytes, out _);
        if (plain.AddressFamily == AddressFamily.InterNetwork)
        {
            return new ClientKey(Kind.IPv4, 0, BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }

        var mask = ~((UInt128.One << (128 - ipv6PrefixLength)) - UInt128.One);
        var network = BinaryPrimitives.ReadUInt128BigEndian(bytes) & mask;
        return new ClientKey(Kind.IPv6, (ulong)(network >> 64), (ulong)network);
    }

    /// <summary>A client that is named in configuration, whatever address it comes from.</summary>
    public static ClientKey OfNamed(int index) => new(Kind.Named, 0, (ulong)index);

    /// <summary>Writes the address, an IPv6 network with zeros behind it; nothing for an unknown address.</summary>
    /// <returns>How many bytes it has.</returns>
    public int WriteTo(Span<byte> bytes)
    {
        switch (_kind)
        {
            case Kind.Unknown:
                return 0;
            case Kind.IPv4:
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_low);
                return sizeof(uint);
            default:
                BinaryPrimitives.WriteUInt128BigEndian(bytes, new UInt128(_high, _low));
                return Size;
        }
    }

    /// <param name="credential">Or the key of its principal. Hashed, so that no credential stays in memory longer than its request.</param>
    public static ClientKey OfCredential(string credential)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(credential));
        return new ClientKey(Kind.Credential, BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash.AsSpan(8)));
    }
}
