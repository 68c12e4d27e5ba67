using System.Buffers.Binary;

namespace SseApp.Fuzz;

/// <summary>Makes inputs out of others: some bytes changed, added, taken away, or put together from two.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words)
{
    private const int MaxLength = 4096;

    private static readonly long[] s_numbers = [0, 1, -1, 4, 63, 64, 127, 128, 255, 256, 1000, 1001, 32767, 65535, 65536, 131072, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue];

    public byte[] Next(IReadOnlyList<byte[]> corpus)
    {
        var bytes = new List<byte>(corpus[random.Next(corpus.Count)]);
        for (var steps = 1 << random.Next(6); steps > 0; steps--)
        {
            Change(bytes, corpus);
        }

        return bytes.Count <= MaxLength ? [.. bytes] : [.. bytes.Take(MaxLength)];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> corpus)
    {
        var at = random.Next(bytes.Count + 1);
        var rest = bytes.Count - at;
        switch (random.Next(10))
        {
            case 0 when rest > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when rest > 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2 when rest > 0:
                bytes[at] = (byte)(bytes[at] + random.Next(-16, 17));
                break;
            case 3 when rest > 0:
                bytes.RemoveRange(at, Math.Min(rest, 1 + random.Next(16)));
                break;
            case 4 when rest > 0:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, Math.Min(rest, 1 + random.Next(64))));
                break;
            case 5 when rest >= 4:
                Span<byte> number = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(number, s_numbers[random.Next(s_numbers.Length)]);
                for (var i = 0; i < Math.Min(rest, random.Next(2) == 0 ? 4 : 8); i++)
                {
                    bytes[at + i] = number[i];
                }

                break;
            case 6:
                var other = corpus[random.Next(corpus.Count)];
                if (other.Length > 0)
                {
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other.AsSpan(from, random.Next(other.Length - from) + 1));
                }

                break;
            case 7 or 8 when words.Count > 0:
                bytes.InsertRange(at, words[random.Next(words.Count)]);
                break;
            default:
                bytes.Insert(at, (byte)random.Next(256));
                break;
        }
    }
}
