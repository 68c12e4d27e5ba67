using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Requests;

public sealed class ClientKeyTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", 64, true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", 64, true)]
    [InlineData("192.0.2.1", "192.0.2.2", 64, false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", 64, true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", 64, false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", 48, true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2::2", 128, false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2::1", 128, true)]
    [InlineData("0.0.0.1", "::1", 128, false)]
    public void Addresses_of_one_client_share_a_key(string first, string second, int prefix, bool same) =>
        Assert.Equal(same, Key(first, prefix) == Key(second, prefix));

    [Fact]
    public void Credentials_are_distinguished()
    {
        Assert.Equal(ClientKey.OfCredential("Bearer a"), ClientKey.OfCredential("Bearer a"));
        Assert.NotEqual(ClientKey.OfCredential("Bearer a"), ClientKey.OfCredential("Bearer b"));
    }

    private static ClientKey Key(string address, int prefix) => ClientKey.OfAddress(IPAddress.Parse(address), prefix);
}
