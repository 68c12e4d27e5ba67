namespace SseApp.Tests.Gateway.Security;

public sealed class ResponseHeadersTests : GatewayTest
{
    [Fact]
    public async Task Configured_headers_are_on_every_response_and_replace_or_remove_what_a_replica_sent()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            ("ResponseHeaders:Set:X-Site", "one"), ("ResponseHeaders:Set:X-Accel-Buffering", "replaced"), ("ResponseHeaders:Remove:0", "X-Content-Type-Options"));

        using var stream = await StreamClient.OpenAsync(gateway.Client);
        Assert.Equal("one", Assert.Single(stream.Response.Headers.GetValues("X-Site")));
        Assert.Equal("replaced", Assert.Single(stream.Response.Headers.GetValues("X-Accel-Buffering")));
        foreach (var path in new[] { "/", "/topics/a", "/nowhere" })
        {
            using var response = await gateway.Client.GetAsync(path, Cancellation);
            Assert.Equal("one", Assert.Single(response.Headers.GetValues("X-Site")));
            Assert.False(response.Headers.Contains("X-Content-Type-Options"));
        }
    }

    [Theory]
    [InlineData("ResponseHeaders:Set:Content-Length", "5", "needs to frame its responses")]
    [InlineData("ResponseHeaders:Set:X Site", "5", "no header name")]
    [InlineData("ResponseHeaders:Set:X-Site", "a\nb", "printable ASCII")]
    [InlineData("ResponseHeaders:Remove:0", "Transfer-Encoding", "needs to frame its responses")]
    public async Task A_header_that_would_break_responses_stops_the_start(string key, string value, string message)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayAsync((key, value)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
