using System.Numerics;

namespace SseApp.Events.Log;

/// <summary>
/// Packs the positions of a connection's topics into the id of an event: six bits a character of
/// <c>A-Z a-z 0-9 - _</c>, so a cross-origin <c>Last-Event-ID</c> needs no CORS preflight as long as it has at most
/// 128 characters (https://fetch.spec.whatwg.org/#cors-safelisted-request-header); that holds for 16 topics with offsets
/// below 2^34.
/// <para>
/// Layout: version (6 bits), check of the topic set (18), the offsets of the topics in their order, the marks of their
/// epochs. Version 2 has the width of all offsets (6) before the first one, version 3 has before each its own width (6);
/// the shorter one is used. The marks take the room that is left of 128 characters: why that is enough is in
/// docs/decisions/0015-marks-take-the-room-that-is-left.md.
/// </para>
/// </summary>
internal static class PositionCodec
{
    /// <summary>Width of an epoch's mark where there is room enough: always for up to seven topics.</summary>
    public const int MaxMarkBits = 32;

    private const uint EqualWidths = 2;
    private const uint OwnWidths = 3;
    private const int HeaderBits = 24;
    private const int WidthBits = 6;
    private const int MaxOffsetBits = 63;
    private const int SafeBits = 128 * 6;
    private const int MaxOnStack = 128;

    // Up to so many topics an id stays within 128 characters.
    private const int MaxSafeTopics = 16;

    private static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    /// <summary>Upper bound of the encoded length in bytes.</summary>
    public static int MaxLength(int topics) => Length(HeaderBits + WidthBits + (topics * (MaxOffsetBits + MaxMarkBits)));

    /// <summary>Width of an epoch's mark in an id of so many topics.</summary>
    /// <param name="topics">Their number.</param>
    /// <param name="offsetBits">What all their offsets take; 0 for the most that a mark can have.</param>
    public static int MarkBits(int topics, int offsetBits = 0) =>
        Math.Clamp((SafeBits - HeaderBits - offsetBits) / topics, topics > MaxSafeTopics ? 24 : 12, MaxMarkBits);

    /// <summary>Width of the marks of positions that were read from an id.</summary>
    public static int MarkBits(ReadOnlySpan<MarkedPosition> positions)
    {
        var offsets = default(Offsets);
        foreach (var position in positions)
        {
            offsets.Add(position.Offset);
        }

        return MarkBits(positions.Length, offsets.Bits);
    }

    /// <returns>The number of bytes written to <paramref name="destination"/>.</returns>
    public static int Encode(TopicSet topics, ReadOnlySpan<Position> positions, Span<byte> destination)
    {
        var offsets = default(Offsets);
        foreach (var position in positions)
        {
            offsets.Add(position.Offset);
        }

        var writer = new BitWriter(destination);
        writer.Write(offsets.Version, 6);
        writer.Write(topics.Check, 18);
        var width = Offsets.Width(offsets.Highest);
        if (offsets.Version == EqualWidths)
        {
            writer.Write((uint)width, WidthBits);
        }

        foreach (var position in positions)
        {
            if (offsets.Version == OwnWidths)
            {
                width = Offsets.Width((ulong)position.Offset);
                writer.Write((uint)width, WidthBits);
            }

            writer.Write((ulong)position.Offset, width);
        }

        var markBits = MarkBits(positions.Length, offsets.Bits);
        foreach (var position in positions)
        {
            writer.Write(position.Epoch.Mark(markBits), markBits);
        }

        return writer.Finish();
    }

    public static string Encode(TopicSet topics, ReadOnlySpan<Position> positions)
    {
        var length = MaxLength(topics.Count);
        Span<byte> buffer = length <= MaxOnStack ? stackalloc byte[MaxOnStack] : new byte[length];
        return System.Text.Encoding.ASCII.GetString(buffer[..Encode(topics, positions, buffer)]);
    }

    /// <summary>Reads an id that <see cref="Encode(TopicSet, ReadOnlySpan{Position}, Span{byte})"/> made for the same topics.</summary>
    /// <returns>False for an id of other topics or of another version, a damaged one, or no id at all; never throws.</returns>
    public static bool TryDecode(string? id, TopicSet topics, Span<MarkedPosition> positions) =>
        id is not null && positions.Length == topics.Count && TryRead(id, topics.Check, positions);

    /// <summary>What an id says to who does not know its topics.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The positions in the order of the topics; several lists for the few ids that can be of more than one number of topics; none for what is no id.</returns>
    public static IEnumerable<MarkedPosition[]> Readings(string id)
    {
        for (var topics = 1; topics <= id.Length; topics++)
        {
            var positions = new MarkedPosition[topics];
            if (TryRead(id, wantedCheck: null, positions))
            {
                yield return positions;
            }
        }
    }

    private static bool TryRead(string id, uint? wantedCheck, Span<MarkedPosition> positions)
    {
        var reader = new BitReader(id);
        var width = 0UL;
        if (!reader.TryRead(6, out var version) || version is not (EqualWidths or OwnWidths)
            || !reader.TryRead(18, out var check) || (wantedCheck is { } wanted && check != wanted)
            || (version == EqualWidths && !reader.TryRead(WidthBits, out width)))
        {
            return false;
        }

        var offsets = default(Offsets);
        var offsetBits = version == EqualWidths ? WidthBits : positions.Length * WidthBits;
        foreach (ref var position in positions)
        {
            if ((version == OwnWidths && !reader.TryRead(WidthBits, out width)) || !reader.TryRead((int)width, out var offset))
            {
                return false;
            }

            offsetBits += (int)width;
            offsets.Add((long)offset);
            position = new MarkedPosition(0, (long)offset);
        }

        var markBits = MarkBits(positions.Length, offsets.Bits);
        // The encoder makes one id of the same positions, and this is it.
        if (offsets.Version != version || offsets.Bits != offsetBits
            || id.Length != Length(HeaderBits + offsetBits + (positions.Length * markBits)))
        {
            return false;
        }

        foreach (ref var position in positions)
        {
            if (!reader.TryRead(markBits, out var mark))
            {
                return false;
            }

            position.Mark = (uint)mark;
        }

        return true;
    }

    private static int Length(int bits) => (bits + 5) / 6;

    /// <summary>How much room the offsets need in either version.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Offsets
    {
        private int _count;
        private int _own;

        public ulong Highest { get; private set; }

        public readonly uint Version => _own < Equal ? OwnWidths : EqualWidths;

        public readonly int Bits => Math.Min(_own, Equal);

        private readonly int Equal => WidthBits + (_count * Width(Highest));

        public static int Width(ulong offset) => 64 - BitOperations.LeadingZeroCount(offset);

        public void Add(long offset)
        {
            _count++;
            _own += WidthBits + Width((ulong)offset);
            Highest |= (ulong)offset;
        }
    }

    private ref struct BitWriter(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;
        private int _length;
        private ulong _pending;
        private int _pendingBits;

        public void Write(ulong value, int bits)
        {
            if (bits > 32)
            {
                Write(value >> 32, bits - 32);
                value = (uint)value;
                bits = 32;
            }

            // What is above the pending bits was written already.
            _pending = (_pending << bits) | value;
            _pendingBits += bits;
            while (_pendingBits >= 6)
            {
                _pendingBits -= 6;
                _destination[_length++] = Alphabet[(int)(_pending >> _pendingBits) & 0x3F];
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
