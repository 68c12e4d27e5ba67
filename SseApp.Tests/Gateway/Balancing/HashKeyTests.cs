using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Balancing;

public sealed class HashKeyTests
{
    [Theory]
    [InlineData("header:X-User", "X-User", "anna", null)]
    [InlineData("cookie:sid", "Cookie", "a=1; sid=anna", null)]
    [InlineData("query:user", null, null, "?topic=a&user=anna")]
    [InlineData("HEADER:x-user", "X-User", "anna", null)]
    public void The_named_value_is_the_identity_wherever_the_client_is(string key, string? header, string? value, string? query)
    {
        var parsed = HashKey.TryParse(key)!;
        Assert.Equal(parsed.Of(Request("192.0.2.1", header, value, query)), parsed.Of(Request("192.0.2.2", header, value, query)));
        Assert.NotEqual(
            parsed.Of(Request("192.0.2.1", header, value, query)),
            parsed.Of(Request("192.0.2.1", header, value?.Replace("anna", "berta", StringComparison.Ordinal), query?.Replace("anna", "berta", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("header:X-User")]
    [InlineData("cookie:sid")]
    [InlineData("query:user")]
    [InlineData("ip")]
    public void Without_the_named_value_it_is_the_address(string key)
    {
        var parsed = HashKey.TryParse(key)!;
        var ip = HashKey.TryParse("ip")!;
        Assert.Equal(ip.Of(Request("2001:db8::1")), parsed.Of(Request("2001:db8::1", "X-User", "", "?user=")));
        Assert.NotEqual(parsed.Of(Request("192.0.2.1")), parsed.Of(Request("192.0.2.2")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("address")]
    [InlineData("header:")]
    [InlineData("header:X User")]
    [InlineData("cookie:a;b")]
    [InlineData("path:x")]
    [InlineData(null)]
    public void What_means_nothing_is_refused(string? key) => Assert.Null(HashKey.TryParse(key));

    private static DefaultHttpContext Request(string address, string? header = null, string? value = null, string? query = null)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        context.Request.QueryString = new QueryString(query);
        if (header is not null)
        {
            context.Request.Headers[header] = value;
        }

        ClientRequest.Classify(context).Client = ClientKey.OfAddress(context.Connection.RemoteIpAddress, 64);
        return context;
    }
}
