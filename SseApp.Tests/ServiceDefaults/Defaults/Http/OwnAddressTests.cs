using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class OwnAddressTests
{
    [Theory]
    [InlineData("http://[::]:8080", "127.0.0.1:8080 [::1]:8080")]
    [InlineData("http://0.0.0.0:8080", "127.0.0.1:8080 [::1]:8080")]
    [InlineData("http://*:8080", "127.0.0.1:8080 [::1]:8080")]
    [InlineData("http://localhost:8080", "127.0.0.1:8080 [::1]:8080")]
    [InlineData("http://192.0.2.7:8080", "192.0.2.7:8080")]
    [InlineData("http://[2001:db8::1]:8080", "[2001:db8::1]:8080")]
    [InlineData("http://unix:/run/sse.sock", "/run/sse.sock")]
    public void Each_address_that_a_server_can_have_is_reached(string address, string endPoints)
    {
        var target = OwnAddress.Find([address])!;
        Assert.Equal(endPoints, string.Join(' ', target.EndPoints.Select(endPoint => endPoint.ToString())));
        Assert.Equal("http", target.Scheme);
    }

    [Fact]
    public void Of_several_the_one_with_HTTPS_is_taken() =>
        Assert.Equal("https://[::]:8443", OwnAddress.Find(["http://[::]:8080", "https://[::]:8443", "https://[::]:9443"])!.Address);

    [Fact]
    public void Where_nothing_can_be_reached_there_is_none()
    {
        Assert.Null(OwnAddress.Find([]));
        Assert.Null(OwnAddress.Find(["http://pipe:/sse"]));
    }
}
