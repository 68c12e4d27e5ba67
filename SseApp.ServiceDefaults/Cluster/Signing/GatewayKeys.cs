using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>HMAC-SHA256 with the cluster's keys. A signature is one code for each key that this process has, '.' between them.</summary>
internal sealed class GatewayKeys : IDisposable
{
    private const int CodeLength = KeyText.Base64Length;
    private const int MaxOnStack = 1024;

    private readonly byte[][] _keys;

    // Made anew for each code, it would cost twice as much.
    private readonly ThreadLocal<IncrementalHash[]> _codes;

    public GatewayKeys(IOptions<SecurityOptions> options, ILogger<GatewayKeys> logger)
        : this(
            KeyText.TryParse(options.Value.GatewayKey, out var key) ? key : DevelopmentKey.Get(logger),
            KeyText.TryParse(options.Value.PreviousGatewayKey, out var previous) ? previous : null)
    {
    }

    public GatewayKeys(byte[] key, byte[]? previous = null)
    {
        _keys = previous is null || previous.AsSpan().SequenceEqual(key) ? [key] : [key, previous];
        _codes = new ThreadLocal<IncrementalHash[]>(() => Array.ConvertAll(_keys, static key => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key)));
    }

    /// <summary>Whether there is a previous key, too.</summary>
    public bool Change => _keys.Length > 1;

    public void Dispose() => _codes.Dispose();

    /// <summary>The longest signature.</summary>
    public const int MaxLength = (2 * CodeLength) + 1;

    /// <summary>Signs with the current key, and while keys change with the previous one too: a process that does not have the new one yet must believe it.</summary>
    /// <param name="message">What is signed.</param>
    /// <param name="signature">Room for <see cref="MaxLength"/>.</param>
    /// <returns>The signature's length.</returns>
    public int Sign(ReadOnlySpan<char> message, Span<char> signature)
    {
        Codes(message, signature);
        return LengthOf(_keys.Length);
    }

    public string Sign(string message)
    {
        Span<char> signature = stackalloc char[MaxLength];
        return new string(signature[..Sign(message, signature)]);
    }

    /// <summary>Whether one of the keys made one of the codes.</summary>
    public bool Verify(ReadOnlySpan<char> message, ReadOnlySpan<char> signature) => Verify(message, signature, out _);

    /// <inheritdoc cref="Verify(ReadOnlySpan{char}, ReadOnlySpan{char})"/>
    /// <param name="message">What was signed.</param>
    /// <param name="signature">What came with it.</param>
    /// <param name="current">Whether the current key did.</param>
    public bool Verify(ReadOnlySpan<char> message, ReadOnlySpan<char> signature, out bool current)
    {
        current = false;
        if (signature.Length is not (CodeLength or MaxLength))
        {
            return false;
        }

        Span<char> expected = stackalloc char[MaxLength];
        Codes(message, expected);
        var valid = false;
        for (var key = 0; key < _keys.Length; key++)
        {
            for (var start = 0; start < signature.Length; start += CodeLength + 1)
            {
                // The text is compared, not what it stands for: base64 has several for the same bytes.
                var made = (start == 0 || signature[start - 1] == '.')
                    && CryptographicOperations.FixedTimeEquals(
                        MemoryMarshal.AsBytes<char>(expected.Slice(key * (CodeLength + 1), CodeLength)), MemoryMarshal.AsBytes(signature.Slice(start, CodeLength)));
                valid |= made;
                current |= made && key == 0;
            }
        }

        return valid;
    }

    private static int LengthOf(int codes) => (codes * (CodeLength + 1)) - 1;

    // Every request that a gateway forwards pays for this on both sides: nothing is allocated.
    private void Codes(ReadOnlySpan<char> message, Span<char> codes)
    {
        var size = Encoding.UTF8.GetMaxByteCount(message.Length);
        var rented = size > MaxOnStack ? ArrayPool<byte>.Shared.Rent(size) : null;
        Span<byte> buffer = rented is null ? stackalloc byte[MaxOnStack] : rented;
        var bytes = buffer[..Encoding.UTF8.GetBytes(message, buffer)];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        var hmacs = _codes.Value!;
        for (var key = 0; key < hmacs.Length; key++)
        {
            if (key > 0)
            {
                codes[LengthOf(key)] = '.';
            }

            hmacs[key].AppendData(bytes);
            hmacs[key].GetHashAndReset(hash);
            Base64Url.EncodeToChars(hash, codes[(key * (CodeLength + 1))..]);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
