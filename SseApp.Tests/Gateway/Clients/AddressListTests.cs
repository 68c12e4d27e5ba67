using SseApp.Gateway.Clients;

namespace SseApp.Tests.Gateway.Clients;

public sealed class AddressListTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("10.1.2.3/8", "10.250.0.1", true)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1", true)]
    [InlineData("0.0.0.0/0", "203.0.113.1", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    [InlineData("::1", "::1", true)]
    public void Addresses_and_ranges_match(string entry, string address, bool contained) =>
        Assert.Equal(contained, AddressList.Parse("X", [entry]).Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("10/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("2001:db8::/129")]
    [InlineData("example.com")]
    public void What_is_neither_is_named(string entry)
    {
        var exception = Assert.Throws<FormatException>(() => AddressList.Parse("Access:Deny", ["10.0.0.1", entry]));
        Assert.StartsWith($"Access:Deny contains '{entry}'; write an address", exception.Message, StringComparison.Ordinal);
    }
}
