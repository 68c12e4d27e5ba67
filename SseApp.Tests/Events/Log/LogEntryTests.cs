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

    [Fact]
    public void Never_throws() => Gen.Byte.Array.Sample(bytes => { LogEntry.Parse(bytes); });
}
