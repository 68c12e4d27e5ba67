namespace SseApp.Tests.Events.Log;

public sealed class PositionCodecTests
{
    private static readonly Gen<Position> s_position = Gen.Select(
        Gen.OneOf(Gen.Const(0UL), Gen.ULong),
        Gen.OneOf(Gen.Long[0, 10], Gen.Long[0, (1L << 34) - 1], Gen.Long[0, long.MaxValue]),
        (epoch, offset) => new Position(new Epoch(epoch), offset));

    [Fact]
    public void Decoding_gives_back_every_offset_and_the_epochs_mark() =>
        s_position.Array[1, 64].Sample(positions =>
        {
            var topics = Topics(positions.Length);
            var id = PositionCodec.Encode(topics, positions);

            var decoded = new MarkedPosition[positions.Length];
            Assert.True(PositionCodec.TryDecode(id, topics, decoded));
            var bits = PositionCodec.MarkBits(decoded);
            Assert.Equal(positions.Select(position => new MarkedPosition(position.Epoch.Mark(bits), position.Offset)), decoded);
            Assert.All(id, c => Assert.True(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'));
        });

    [Fact]
    public void Sixteen_topics_fit_in_the_128_bytes_that_need_no_preflight() =>
        Gen.Select(Gen.ULong, Gen.Long[0, (1L << 34) - 1], (epoch, offset) => new Position(new Epoch(epoch), offset)).Array[16].Sample(
            positions => Assert.InRange(PositionCodec.Encode(Topics(16), positions).Length, 1, 128));

    [Theory]
    [InlineData(1, 1L << 40, 1L << 40, 32)]
    [InlineData(7, 1L << 40, 1L << 40, 32)]
    [InlineData(16, 1 << 14, 1 << 14, 31)]
    [InlineData(16, 1 << 20, 1 << 20, 25)]
    [InlineData(16, 1L << 30, 1 << 14, 24)]
    [InlineData(16, 1L << 33, 1L << 33, 12)]
    [InlineData(17, 1L << 33, 1L << 33, 24)]
    [InlineData(64, 1L << 33, 1L << 33, 24)]
    public void The_marks_of_epochs_take_the_room_that_the_offsets_leave(int topics, long busiest, long others, int bits)
    {
        var positions = new MarkedPosition[topics];
        Array.Fill(positions, new MarkedPosition(0, others));
        positions[^1].Offset = busiest;

        Assert.Equal(bits, PositionCodec.MarkBits(positions));
    }

    [Fact]
    public void New_logs_are_not_taken_for_old_ones()
    {
        var random = new Random(1);
        var topics = Topics(16);
        var decoded = new MarkedPosition[16];
        // A thousand topics on connections of sixteen, all logs lost, a hundred times.
        for (var connection = 0; connection < 100 * 1_000 / 16; connection++)
        {
            var positions = Enumerable.Range(0, 16).Select(_ => new Position(NewEpoch(random), random.NextInt64(1, 1 << 20))).ToArray();
            Assert.True(PositionCodec.TryDecode(PositionCodec.Encode(topics, positions), topics, decoded));
            var bits = PositionCodec.MarkBits(decoded);
            Assert.All(decoded, position => Assert.NotEqual(NewEpoch(random).Mark(bits), position.Mark));
        }
    }

    [Fact]
    public void An_id_of_other_topics_is_not_read()
    {
        var id = PositionCodec.Encode(new TopicSet(["a", "b"]), [new(new Epoch(7), 1), new(new Epoch(8), 2)]);

        Assert.False(PositionCodec.TryDecode(id, new TopicSet(["a", "c"]), new MarkedPosition[2]));
        Assert.False(PositionCodec.TryDecode(id, new TopicSet(["a", "b", "c"]), new MarkedPosition[3]));
    }

    [Fact]
    public void Damaged_ids_are_distinguished_and_never_throw() =>
        Gen.Select(Gen.String, Gen.Int[1, 5]).Sample((id, count) =>
        {
            var topics = Topics(count);
            var good = PositionCodec.Encode(topics, new Position[count]);
            Assert.False(PositionCodec.TryDecode(good[..^1], topics, new MarkedPosition[count]));
            Assert.False(PositionCodec.TryDecode(good + "A", topics, new MarkedPosition[count]));
            if (!id.StartsWith(good[..5], StringComparison.Ordinal))
            {
                Assert.False(PositionCodec.TryDecode(id, topics, new MarkedPosition[count]));
            }
        });

    [Fact]
    public void The_mark_of_an_epoch_differs_from_the_mark_of_no_log() =>
        Gen.Select(Gen.ULong, Gen.Int[12, 32]).Sample((value, bits) =>
            Assert.Equal(value == 0, new Epoch(value).Mark(bits) == 0));

    private static Epoch NewEpoch(Random random) => new((ulong)random.NextInt64(1, long.MaxValue));

    private static TopicSet Topics(int count) => new(Enumerable.Range(0, count).Select(i => $"topic-{i:00}"));
}
