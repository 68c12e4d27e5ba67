namespace SseApp.Tests.Events.Log;

public sealed class TopicNameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("news/Europe:de_DE-1.0@home")]
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
    public void Rejects_everything_else(string? name) => Assert.False(TopicName.IsValid(name));

    [Fact]
    public void Has_at_most_200_characters()
    {
        Assert.True(TopicName.IsValid(new string('x', 200)));
        Assert.False(TopicName.IsValid(new string('x', 201)));
    }
}
