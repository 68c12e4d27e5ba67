using System.Numerics;
using SseApp.Events.Topics;

namespace SseApp.Events.Log;

/// <summary>
/// Packs the positions of a connection's topics into the id of an event: six bits a character of
/// <c>A-Z a-z 0-9 - _</c>, so a cross-origin <c>Last-Event-ID</c> needs no CORS preflight as long as it has at most
/// 128 characters (https://fetch.spec.whatwg.org/#cors-safelisted-request-header); that holds for 16 topics with offsets
/// below 2^34.
/// <para>
/// Layout: version (6 bits), check of the topic set (18), width of the offsets (6), then for each topic in order the
/// epoch's mark (24 bits, fewer for more than 12 topics) and the offset.
/// </para>
/// </summary>
internal static class PositionCodec
{
    private const uint Version = 1;
    private const int HeaderBits = 30;
    private const int SafeBits = 128 * 6;

    private static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    /// <summary>Upper bound of the encoded length in bytes.</summary>
    public static int MaxLength(int topics) => (HeaderBits + (topics * (MarkBits(topics) + 63)) + 5) / 6;

    /// <summary>Width of an epoch's mark, by the number of topics alone, so that both sides agree on it.</summary>
    public static int MarkBits(int topics) => Math.Clamp(((SafeBits - HeaderBits) / topics) - 34, 12, 24);

    /// <returns>The number of bytes written to <paramref name="destination"/>.</returns>
    public static int Encode(TopicSet topics, ReadOnlySpan<Position> positions, Span<byte> destination)
    {
        var highest = 0UL;
        foreach (var position in positions)
        {
            highest |= (ulong)position.Offset;
        }

        var offsetBits = 64 - BitOperations.LeadingZeroCount(highest);
        var markBits = MarkBits(positions.Length);
        var writer = new BitWriter(destination);
        writer.Write(Version, 6);
        writer.Write(topics.Check, 18);
        writer.Write((uint)offsetBits, 6);
        foreach (var position in positions)
        {
            writer.Write(position.Epoch.Mark(markBits), markBits);
            writer.Write((ulong)position.Offset, offsetBits);
        }

        return writer.Finish();
    }

    public static string Encode(TopicSet topics, ReadOnlySpan<Position> positions)
    {
        Span<byte> buffer = new byte[MaxLength(topics.Count)];
        return System.Text.Encoding.ASCII.GetString(buffer[..Encode(topics, positions, buffer)]);
    }

    /// <summary>Reads an id that <see cref="Encode(TopicSet, ReadOnlySpan{Position}, Span{byte})"/> made for the same topics.</summary>
    /// <returns>False for an id of other topics, a damaged one, or no id at all; never throws.</returns>
    public static bool TryDecode(string? id, TopicSet topics, Span<(uint Mark, long Offset)> positions)
    {
        if (id is null || positions.Length != topics.Count)
        {
            return false;
        }

        var reader = new BitReader(id);
        if (!reader.TryRead(6, out var version) || version != Version
            || !reader.TryRead(18, out var check) || check != topics.Check
            || !reader.TryRead(6, out var offsetBits))
        {
            return false;
        }

        var markBits = MarkBits(topics.Count);
        if (id.Length != (HeaderBits + (topics.Count * (markBits + (int)offsetBits)) + 5) / 6)
        {
            return false;
        }

        foreach (ref var position in positions)
        {
            if (!reader.TryRead(markBits, out var mark) || !reader.TryRead((int)offsetBits, out var offset))
            {
                return false;
            }

            position = ((uint)mark, (long)offset);
        }

        return true;
    }

    private ref struct BitWriter(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;
        private int _length;
        private uint _pending;
        private int _pendingBits;

        public void Write(ulong value, int bits)
        {
            while (bits > 0)
            {
                var take = Math.Min(bits, 6 - _pendingBits);
                bits -= take;
                _pending = (_pending << take) | ((uint)(value >> bits) & ((1u << take) - 1));
                _pendingBits += take;
                if (_pendingBits == 6)
                {
                    _destination[_length++] = Alphabet[(int)_pending];
                    _pending = 0;
                    _pendingBits = 0;
                }
            }
        }

        public int Finish()
        {
            if (_pendingBits > 0)
            {
                Write(0, 6 - _pendingBits);
            }

            return _length;
        }
    }

    private ref struct BitReader(ReadOnlySpan<char> source)
    {
        private readonly ReadOnlySpan<char> _source = source;
        private int _index;
        private uint _pending;
        private int _pendingBits;

        public bool TryRead(int bits, out ulong value)
        {
            value = 0;
            while (bits > 0)
            {
                if (_pendingBits == 0)
                {
                    if (_index >= _source.Length || _source[_index] > 0x7F)
                    {
                        return false;
                    }

                    var digit = Alphabet.IndexOf((byte)_source[_index++]);
                    if (digit < 0)
                    {
                        return false;
                    }

                    _pending = (uint)digit;
                    _pendingBits = 6;
                }

                var take = Math.Min(bits, _pendingBits);
                _pendingBits -= take;
                value = (value << take) | ((_pending >> _pendingBits) & ((1u << take) - 1));
                bits -= take;
            }

            return true;
        }
    }
}
