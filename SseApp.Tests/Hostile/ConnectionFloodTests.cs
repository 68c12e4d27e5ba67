namespace SseApp.Tests.Hostile;

/// <summary>One address that opens connections as fast as it can: what is over its limit is closed before TLS, and nobody else notices.</summary>
public sealed class ConnectionFloodTests(RedisServer redis) : HostileTest(redis)
{
    private const int Default = 256;
    private const int Flood = 600;

    [Fact]
    public async Task Of_a_flood_of_connections_an_address_keeps_as_many_as_the_default_allows()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Only on Linux is all of 127.0.0.0/8 this machine.");
        }

        // A loopback address has no limit unless it is named; its limits then are everybody's.
        var site = await BeginAsync(("Limits:Clients:0:Name", "stranger"), ("Limits:Clients:0:Addresses:0", "127.0.0.2"));
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < Flood; i++)
            {
                sockets.Add(await ConnectAsync(i % 2 == 0 ? site.Gateway.Address : site.Gateway.SecureAddress));
            }

            await UntilAsync(() => site.Closed("address-connections") == Flood - Default, "those over the limit to be closed and counted");
            await site.AssertGoesOnAsync();
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }

        await Eventually.Async(
            async () =>
            {
                using var again = await ConnectAsync(site.Gateway.Address);
                try
                {
                    await again.SendAsync("GET /alive HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
                    return (await RawHttp.ReadAsync(again, until: "healthy")).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(30),
            "the address to be let in again");
    }

    private static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, address.Port, Cancellation);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Closed sooner than this was told that it is open.
        }

        return socket;
    }
}
