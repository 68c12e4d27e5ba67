using SseApp.Events.Replicas;

namespace SseApp.Tests.Events.Replicas;

public sealed class AdvertisedAddressResolverTests
{
    private static readonly IPAddress s_own = IPAddress.Parse("172.17.0.4");

    [Theory]
    [InlineData("http://127.0.0.1:5080", null, "http://127.0.0.1:5080/")]
    [InlineData("http://localhost:5080", "10.0.0.9", "http://localhost:5080/")]
    [InlineData("http://0.0.0.0:8080", "10.0.0.9", "http://10.0.0.9:8080/")]
    [InlineData("http://[::]:8080", "10.0.0.9", "http://10.0.0.9:8080/")]
    [InlineData("http://[::]:8080", "fd00::9", "http://[fd00::9]:8080/")]
    [InlineData("http://*:8080", "10.0.0.9", "http://10.0.0.9:8080/")]
    [InlineData("http://+:8080", null, "http://172.17.0.4:8080/")]
    public void Never_advertises_a_wildcard(string bound, string? podIp, string expected) =>
        Assert.Equal(expected, AdvertisedAddressResolver.Resolve(null, podIp, [bound], () => s_own)?.ToString());

    [Fact]
    public void Falls_back_to_loopback_on_a_machine_without_a_network() =>
        Assert.Equal("http://127.0.0.1:8080/", AdvertisedAddressResolver.Resolve(null, null, ["http://[::]:8080"], () => null)?.ToString());

    [Fact]
    public void A_configured_address_wins() => Assert.Equal(
        "https://events.example/", AdvertisedAddressResolver.Resolve(new Uri("https://events.example"), "10.0.0.9", ["http://[::]:1"], () => s_own)?.ToString());

    [Fact]
    public void Prefers_plain_http() => Assert.Equal(
        "http://127.0.0.1:8080/", AdvertisedAddressResolver.Resolve(null, null, ["https://127.0.0.1:443", "http://127.0.0.1:8080"], () => s_own)?.ToString());
}
