namespace SseApp.Tests.Events.Log;

public sealed class LogEntryTests
{
    [Fact]
    public void Reads_the_header_and_shares_the_blocks_bytes()
    {
        var entry = LogEntry.Parse(Encoding.UTF8.GetBytes("2 00000000000000ff 42 1700000000000000 1700000000000001\ndata: x\n\n"));

        Assert.NotNull(entry);
        Assert.Equal(new Position(new Epoch(255), 42), entry.Position);
        Assert.Equal(1700000000000000, entry.Previous);
        Assert.Equal(1700000000000001, entry.PublishedAtMicroseconds);
        Assert.Equal("data: x\n\n", Encoding.UTF8.GetString(entry.Block.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("1 ff 1 1 1\ndata: x\n\n")]
    [InlineData("2 ff 1 1\ndata: x\n\n")]
    [InlineData("2 xyz 1 1 1\ndata: x\n\n")]
    [InlineData("2 ff x 1 1\ndata: x\n\n")]
    public void A_foreign_message_is_no_entry(string message) => Assert.Null(LogEntry.Parse(Encoding.UTF8.GetBytes(message)));

    [Theory]
    [InlineData("2 00000000000000ff 42 1 1 a-key\ndata: x\n\n")]
    [InlineData("2 00000000000000ff 9007199254740990 253402300799999999 253402300799999999\nevent: stream\ndata: \ndata: a:b\0\u2028\n\n")]
    [InlineData("2 00000000000000ff 0 0 0\n")]
    public void What_a_publish_stores_is_an_entry(string message) => Assert.NotNull(LogEntry.Parse(Encoding.UTF8.GetBytes(message)));

    [Theory]
    [MemberData(nameof(ForeignEntries.Blocks), MemberType = typeof(ForeignEntries))]
    public void A_block_that_no_publish_stores_is_no_entry(string block)
    {
        var header = "2 00000000000000ff 42 1 1\n"u8.ToArray();
        Assert.NotNull(LogEntry.Parse((byte[])[.. header, .. "data: x\n\n"u8]));
        Assert.Null(LogEntry.Parse((byte[])[.. header, .. Encoding.Latin1.GetBytes(block)]));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Data_that_no_setting_allows_is_no_event(int more, bool isEvent) =>
        Assert.Equal(isEvent, SseEncoder.IsBlock(SseEncoder.Encode(null, new byte[SseEncoder.MaxDataBytes + more])));

    [Fact]
    public void Every_event_that_may_be_published_is_one() => Gen.Select(Gen.String, Gen.Char["ab\r\n\0: é\u2028"].Array.Select(characters => new string(characters)))
        .Where((type, _) => type is not EventType.Default && EventType.IsValid(type) && !type.Any(char.IsSurrogate))
        .Sample((type, data) => SseEncoder.IsBlock(SseEncoder.Encode(type, Encoding.UTF8.GetBytes(data))) && SseEncoder.IsBlock(SseEncoder.Encode(null, Encoding.UTF8.GetBytes(data))));

    [Theory]
    [InlineData(200, true)]
    [InlineData(201, false)]
    public void A_type_has_200_characters_whatever_they_take_in_UTF_16(int length, bool isValid)
    {
        var type = string.Concat(Enumerable.Repeat("\U0001F600", length));

        Assert.Equal(isValid, EventType.IsValid(type));
        Assert.Equal(isValid, SseEncoder.IsBlock(SseEncoder.Encode(type, "x"u8.ToArray())));
    }

    [Theory]
    [InlineData("0000000000000000 1 0 1")]
    [InlineData("ff 1 0 1")]
    [InlineData("00000000000000ff -1 0 1")]
    [InlineData("00000000000000ff +1 0 1")]
    [InlineData("00000000000000ff 9007199254740991 0 1")]
    [InlineData("00000000000000ff 99999999999999999999 0 1")]
    [InlineData("00000000000000ff 1 -1 1")]
    [InlineData("00000000000000ff 1 0 -1")]
    [InlineData("00000000000000ff 1 0 253402300800000000")]
    [InlineData("00000000000000ff 1 253402300800000000 1")]
    [InlineData("00000000000000ff 1 0 1 ")]
    [InlineData("00000000000000ff 1 0 1 a b")]
    [InlineData("00000000000000ff 1 0 1 \u00e9")]
    [InlineData("00000000000000ff 1 0 1key")]
    [InlineData("00000000000000ff 1 0 1\r")]
    [InlineData("00000000000000ff 0 0 1")]
    public void A_header_that_no_publish_stores_is_no_entry(string header) => Assert.Null(LogEntry.Parse(Encoding.UTF8.GetBytes($"2 {header}\ndata: x\n\n")));

    [Fact]
    public void Never_throws() => Gen.Byte.Array.Sample(bytes => { LogEntry.Parse(bytes); });
}
