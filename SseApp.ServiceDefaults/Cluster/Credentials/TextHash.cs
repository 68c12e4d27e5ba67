using System.Security.Cryptography;
using System.Text;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>SHA-256 of a text in UTF-8, of which nothing is left behind: it may be a credential.</summary>
internal static class TextHash
{
    // Bytes on the stack; most texts but tokens fit.
    private const int Small = 512;

    /// <param name="text">The text.</param>
    /// <param name="hash">Gets it; <see cref="SHA256.HashSizeInBytes"/> long.</param>
    public static void Compute(ReadOnlySpan<char> text, Span<byte> hash)
    {
        var length = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = length > Small ? ArrayPool<byte>.Shared.Rent(length) : null;
        var bytes = rented ?? stackalloc byte[Small];
        var used = bytes[..Encoding.UTF8.GetBytes(text, bytes)];
        SHA256.HashData(used, hash);
        CryptographicOperations.ZeroMemory(used);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
