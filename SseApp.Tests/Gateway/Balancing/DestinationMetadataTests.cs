namespace SseApp.Tests.Gateway.Balancing;

public sealed class DestinationMetadataTests
{
    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("10", 10_000)]
    [InlineData("500ms", 500)]
    [InlineData("2m", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("00:00:05", 5_000)]
    public void Times_are_read_as_nginx_writes_them_and_as_TimeSpans(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), DestinationMetadata.FailTimeout(Of("fail_timeout", text)));

    [Theory]
    [InlineData("weight", "0")]
    [InlineData("weight", "1001")]
    [InlineData("weight", "heavy")]
    [InlineData("backup", "yes")]
    [InlineData("max_fails", "-1")]
    [InlineData("fail_timeout", "1ms")]
    [InlineData("fail_timeout", "10sm")]
    [InlineData("fail_timeout", "5d")]
    [InlineData("fail_timeout", "")]
    public void What_is_not_valid_is_named(string key, string value)
    {
        var error = Assert.Single(DestinationMetadata.Errors(Of(key, value)));
        Assert.StartsWith($"{key} is '{value}'; it must be ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_metadata_and_none_are_no_errors()
    {
        Assert.Empty(DestinationMetadata.Errors(Of("region", "eu")));
        Assert.Empty(DestinationMetadata.Errors(null));
    }

    private static Dictionary<string, string> Of(string key, string value) => new(StringComparer.OrdinalIgnoreCase) { [key] = value };
}
