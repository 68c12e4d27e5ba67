using System.Net.Security;
using SseApp.Gateway.Limits;

namespace SseApp.Tests.Gateway.Limits;

public sealed class ConnectionLimitTests : GatewayTest
{
    [Fact]
    public async Task Connections_over_the_limit_of_a_client_are_closed_at_once_and_counted()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(Named(2));
        using var refused = new MetricProbe(gateway, "sse_connections_refused_total");
        var first = await ConnectAsync(gateway.Address);
        using var second = await ConnectAsync(gateway.Address);
        using (var third = await ConnectAsync(gateway.Address))
        {
            Assert.True(await IsClosedAsync(third));
        }

        Assert.Equal(1, refused.Sum);
        Assert.Contains(gateway.Logs, line => line.StartsWith("1 connections were closed without a request; the last came from 127.0.0.1:", StringComparison.Ordinal));
        Assert.Contains("r1", await AskAsync(second), StringComparison.Ordinal);
        first.Dispose();
        await Eventually.Async(
            async () =>
            {
                using var again = await ConnectAsync(gateway.Address);
                return (await AskAsync(again)).Contains("r1", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(30),
            "another one to be let in");
    }

    [Fact]
    public async Task They_are_counted_before_TLS()
    {
        using var certificate = new TestCertificate();
        var gateway = await GatewayAsync([.. Named(1), ("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0")]);
        using var silent = await ConnectAsync(gateway.SecureAddress);
        using var other = await ConnectAsync(gateway.SecureAddress);

        Assert.True(await IsClosedAsync(other));
    }

    [Fact]
    public async Task A_connection_that_its_client_has_half_closed_counts_until_its_request_is_answered()
    {
        var answer = new TaskCompletionSource();
        await HandlingOriginAsync("r1", async context =>
        {
            await answer.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("r1", context.RequestAborted);
        });
        var gateway = await GatewayAsync(Named(1));
        using var first = await ConnectAsync(gateway.Address);
        await first.SendAsync("GET /topics/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancellation);
        first.Shutdown(SocketShutdown.Send);
        // What the FIN leads to has happened when a second connection was tried a few times.
        for (var i = 0; i < 5; i++)
        {
            using var second = await ConnectAsync(gateway.Address);
            Assert.True(await IsClosedAsync(second));
        }

        answer.SetResult();
        Assert.Contains("r1", await RawHttp.ReadAsync(first), StringComparison.Ordinal);
        await UntilAsync(() => gateway.Get<PeerConnections>().Clients == 0, "the connection to be forgotten");
    }

    [Theory]
    [InlineData("Limits:ConnectionsPerAddress", "1")]
    [InlineData("Proxies:Known:0", "127.0.0.1")]
    public async Task Neither_this_machine_nor_a_known_proxy_has_a_limit_of_a_client(string key, string value)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync([.. key.StartsWith("Proxies", StringComparison.Ordinal) ? Named(1) : [], (key, value)]);
        var sockets = new List<Socket>();
        for (var i = 0; i < 3; i++)
        {
            sockets.Add(await ConnectAsync(gateway.Address));
        }

        foreach (var socket in sockets)
        {
            Assert.Contains("r1", await AskAsync(socket), StringComparison.Ordinal);
            socket.Dispose();
        }
    }

    [Fact]
    public async Task Connections_over_the_limit_of_all_are_closed_but_for_some_of_this_machine()
    {
        var gateway = await GatewayAsync(("Descriptors:MaxConnections", "6"));
        using var refused = new MetricProbe(gateway, "sse_connections_refused_total");
        var sockets = await Task.WhenAll(Enumerable.Range(0, 80).Select(_ => ConnectAsync(gateway.Address)));
        await UntilAsync(() => refused.Sum == 80 - 6 - 64, "those over the limit to be closed");
        Array.ForEach(sockets, socket => socket.Dispose());
        await Eventually.Async(
            async () =>
            {
                using var again = await ConnectAsync(gateway.Address);
                return (await AskAsync(again, "/alive")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(30),
            "another one to be let in");
    }

    [Fact]
    public async Task A_connection_on_which_nothing_comes_is_closed_and_one_that_has_had_a_request_is_not()
    {
        await OriginAsync("r1");
        using var certificate = new TestCertificate();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var gateway = await GatewayAsync(
            time, ("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"), ("Tls:Redirect", "false"));
        using var refused = new MetricProbe(gateway, "sse_connections_refused_total");
        using var used = await ConnectAsync(gateway.Address);
        Assert.Contains("r1", await AskAsync(used), StringComparison.Ordinal);
        using var silent = await ConnectAsync(gateway.Address);
        using var shaken = await ConnectAsync(gateway.SecureAddress);
        await using var tls = new SslStream(new NetworkStream(shaken));
        await tls.AuthenticateAsClientAsync(certificate.ClientOptions(), Cancellation);

        await UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return refused.Sum == 2;
            },
            "the two silent ones to be closed");
        Assert.True(await IsClosedAsync(silent));
        Assert.True(await IsClosedAsync(shaken));
        Assert.Contains("r1", await AskAsync(used), StringComparison.Ordinal);
    }

    private static (string, string)[] Named(int connections) =>
    [
        ("Limits:Clients:0:Name", "loopback"),
        ("Limits:Clients:0:Addresses:0", "127.0.0.0/8"),
        ("Limits:Clients:0:Connections", connections.ToString(CultureInfo.InvariantCulture)),
    ];

    private static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
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

    private static async Task<string> AskAsync(Socket socket, string path = "/topics/a")
    {
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), Cancellation);
            return await RawHttp.ReadAsync(socket, path == "/alive" ? "healthy" : "r1");
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static async Task<bool> IsClosedAsync(Socket socket)
    {
        try
        {
            // TLS may have said something before.
            while (await socket.ReceiveAsync(new byte[1024], Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancellation) > 0)
            {
            }

            return true;
        }
        catch (SocketException)
        {
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
