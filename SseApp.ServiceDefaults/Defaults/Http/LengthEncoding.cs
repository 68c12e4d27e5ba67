using System.Text;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// How <c>Content-Length</c> is read: as digits (RFC 9110, 8.6). Kestrel takes <c>+2</c> and <c>-0</c> for numbers, which other servers do
/// not, and decodes the value into room for 20 characters: more would end the connection without an answer, by an exception
/// that is no refusal. So what is not a length arrives as what Kestrel does not take for one either.
/// </summary>
internal sealed class LengthEncoding : Encoding
{
    public static readonly LengthEncoding Instance = new();

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        if (bytes.Length <= chars.Length && bytes.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
        {
            return Latin1.GetChars(bytes, chars);
        }

        chars.Fill('?');
        return chars.Length;
    }

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => Latin1.GetCharCount(bytes, index, count);

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) => Latin1.GetChars(bytes, byteIndex, byteCount, chars, charIndex);

    public override int GetMaxByteCount(int charCount) => Latin1.GetMaxByteCount(charCount);

    public override int GetMaxCharCount(int byteCount) => Latin1.GetMaxCharCount(byteCount);
}
