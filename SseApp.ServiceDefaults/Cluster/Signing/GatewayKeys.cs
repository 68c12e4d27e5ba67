using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>HMAC-SHA256 with the cluster's keys. A signature is one code for each key that this process has, '.' between them.</summary>
internal sealed class GatewayKeys : IDisposable
{
    private const int CodeLength = KeyText.Base64Length;

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

    /// <summary>Signs with the current key, and while keys change with the previous one too: a process that does not have the new one yet must believe it.</summary>
    public string Sign(string message) => _codes.Value! is [var only] ? Code(only, message) : string.Join('.', _codes.Value!.Select(code => Code(code, message)));

    /// <summary>Whether one of the keys made one of the codes.</summary>
    public bool Verify(string message, ReadOnlySpan<char> signature)
    {
        // The text is compared, not what it stands for: base64 has several for the same bytes.
        Span<byte> given = stackalloc byte[(2 * CodeLength) + 1];
        if (signature.Length is not (CodeLength or (2 * CodeLength) + 1) || !Encoding.ASCII.TryGetBytes(signature, given, out var length) || length != signature.Length)
        {
            return false;
        }

        var valid = false;
        foreach (var code in _codes.Value!)
        {
            var expected = Encoding.ASCII.GetBytes(Code(code, message));
            for (var start = 0; start < length; start += CodeLength + 1)
            {
                valid |= (start == 0 || given[start - 1] == '.') && CryptographicOperations.FixedTimeEquals(expected, given.Slice(start, CodeLength));
            }
        }

        return valid;
    }

    private static string Code(IncrementalHash code, string message)
    {
        Span<byte> bytes = stackalloc byte[HMACSHA256.HashSizeInBytes];
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(message.Length));
        code.AppendData(rented.AsSpan(0, Encoding.UTF8.GetBytes(message, rented)));
        code.GetHashAndReset(bytes);
        ArrayPool<byte>.Shared.Return(rented);
        return Base64Url.EncodeToString(bytes);
    }
}
