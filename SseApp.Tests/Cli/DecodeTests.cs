namespace SseApp.Tests.Cli;

/// <summary><c>sse decode</c> reads what a replica writes.</summary>
public sealed class DecodeTests
{
    private static readonly Dictionary<string, string> s_nothing = new(StringComparer.Ordinal);

    [Fact]
    public async Task An_id_is_read_with_and_without_its_topics()
    {
        var topics = new TopicSet(["prices", "news"]);
        var id = PositionCodec.Encode(topics, [new Position(new Epoch(0xABCDEF), 1234567), new Position(default, 0)]);

        var (code, output, _) = await ToolRun.ToEndAsync(["decode", id], s_nothing);
        Assert.Equal((0, "TOPIC     OFFSET  EPOCH MARK\n#1     1,234,567  abcdf0 (32 bits)\n#2             0  no log yet\n"), (code, output));

        (code, output, _) = await ToolRun.ToEndAsync(["decode", id, "--topic", "prices", "--topic", "news"], s_nothing);
        Assert.Equal((0, "TOPIC      OFFSET  EPOCH MARK\nnews    1,234,567  abcdf0 (32 bits)\nprices          0  no log yet\n"), (code, output));

        (_, output, _) = await ToolRun.ToEndAsync(["decode", id, "--topic", "prices", "news", "--json"], s_nothing);
        var reading = Assert.Single(JsonDocument.Parse(output).RootElement.GetProperty("readings").EnumerateArray());
        Assert.Equal(["topic", "offset", "epochMark", "epochMarkBits"], reading[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal(("news", 1234567), (reading[0].GetProperty("topic").GetString(), reading[0].GetProperty("offset").GetInt64()));
    }

    [Fact]
    public void Whatever_a_replica_writes_is_among_the_readings() =>
        Gen.Long[0, Position.MaxOffset].Array[1, 20].Sample(offsets =>
        {
            var topics = new TopicSet(offsets.Select((_, index) => $"t{index:000}"));
            var id = PositionCodec.Encode(topics, [.. offsets.Select(offset => new Position(new Epoch((ulong)offset + 1), offset))]);

            Assert.Contains(PositionCodec.Readings(id), reading => reading.Select(position => position.Offset).SequenceEqual(offsets));
        }, iter: 200);

    [Fact]
    public async Task What_is_no_id_is_said()
    {
        var (code, output, error) = await ToolRun.ToEndAsync(["decode", "no-id-at-all"], s_nothing);

        Assert.Equal((1, ""), (code, output));
        Assert.Contains("This is no id of an event", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_of_other_topics_is_told_from_one_of_these()
    {
        var id = PositionCodec.Encode(TopicSet.Of("news"), [new Position(new Epoch(7), 3)]);

        var (code, _, error) = await ToolRun.ToEndAsync(["decode", id, "--topic", "olds"], s_nothing);

        Assert.Equal(1, code);
        Assert.Contains("an id of other topics", error, StringComparison.Ordinal);
    }
}
