using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.ServiceDefaults.Cluster.Protocol;

public sealed class TopicNameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("news/Europe:de_DE-1.0@home")]
    [InlineData("...")]
    [InlineData("a..b")]
    [InlineData(".a/b./..c")]
    [InlineData("a//b/")]
    [InlineData("/:")]
    public void Accepts_the_allowed_characters(string name) => Assert.True(TopicName.IsValid(name));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("$SYS")]
    [InlineData("a b")]
    [InlineData("a{b}")]
    [InlineData("caf\u00e9")]
    [InlineData("a\n")]
    [InlineData("a*")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/..")]
    [InlineData("a/./b")]
    [InlineData("a:..:b")]
    [InlineData("a/..:b")]
    [InlineData("../../admin/topics")]
    public void Rejects_everything_else(string? name) => Assert.False(TopicName.IsValid(name));

    [Fact]
    public void A_valid_name_is_the_same_after_a_URL_was_normalised() =>
        Gen.Char["aZ0../:-_@"].Array[1, 24].Select(characters => new string(characters)).Where(TopicName.IsValid).Sample(
            name =>
            {
                // As segments of its own, and as one segment.
                var plain = new Uri($"http://gateway/topics/{name}");
                var escaped = new Uri($"http://gateway/topics/{Uri.EscapeDataString(name)}/events");
                return plain.AbsolutePath == $"/topics/{name}"
                    && escaped.Segments is [_, "topics/", var segment, "events"]
                    && Uri.UnescapeDataString(segment[..^1]) == name;
            },
            iter: 20_000);

    [Fact]
    public void Has_at_most_200_characters()
    {
        Assert.True(TopicName.IsValid(new string('x', 200)));
        Assert.False(TopicName.IsValid(new string('x', 201)));
    }
}
