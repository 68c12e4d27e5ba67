namespace SseApp.Tests.Events.Log;

public sealed class SseEncoderTests
{
    // Mostly the characters that the format is made of, so that the cases that matter are common.
    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.OneOf("\r", "\n", "\r\n", ":", " ", "\uFEFF", "\0", "\u0085", "\u2028", "\v", "data: ", "id: 7", "event: x"),
        Gen.OneOf("\U0001F600", "\u00e9", "\u6f22", "a", "Z"),
        Gen.String.AlphaNumeric).Array[0, 12].Select(string.Concat);

    [Fact]
    public void What_a_client_parses_is_what_was_published() =>
        Gen.Select(s_text, Gen.OneOf<string?>(null, "greet", "a:b", " x", "\u6f22"), Gen.Int[1, 7]).Sample((data, type, chunk) =>
        {
            var bytes = SseEncoder.Encode(type, Encoding.UTF8.GetBytes(data));

            var parser = new SseParser();
            var events = bytes.Chunk(chunk).SelectMany(part => parser.Feed(part)).ToList();

            var expected = data.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
            var only = Assert.Single(events);
            Assert.Equal(type ?? "message", only.Type);
            Assert.Equal(expected, only.Data);
        });

    [Theory]
    [InlineData("", "data: \n\n")]
    [InlineData("a\r\nb\rc\nd", "data: a\ndata: b\ndata: c\ndata: d\n\n")]
    [InlineData("a\n", "data: a\ndata: \n\n")]
    public void Splits_lines_at_cr_lf_and_crlf(string data, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(SseEncoder.Encode(null, Encoding.UTF8.GetBytes(data))));
}
