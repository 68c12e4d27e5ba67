using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SseApp.Tests.Gateway.Limits;

public sealed class TimeoutsTests : GatewayTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_replica_that_takes_no_connection_in_time_is_left_for_another()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Only Linux leaves connections that a listener has no room for without an answer.");
        }

        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        using var first = new TcpClient();
        await first.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, Cancellation);
        var silent = new ReplicaRecord { Id = "r1", Address = new Uri($"http://{listener.LocalEndPoint}"), State = ReplicaState.Ready };
        await Registry.WriteAsync(silent, announce: true, Cancellation);
        await OriginAsync("r2");
        var gateway = await GatewayAsync(
            ("Balancing:Policy", "WeightedRoundRobin"),
            ("Upstream:ConnectTimeout", "00:00:00.100"),
            ("ReplicaHealth:MaxFails", "0"),
            ("ReplicaHealth:Interval", "00:10:00"));
        using var retries = new MetricProbe(gateway, "sse_gateway_retries_total");

        for (var i = 0; i < 2; i++)
        {
            // Not sent yet, so a publish is free to go elsewhere, too.
            using var content = new StringContent("data");
            using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
            Assert.Equal("r2", await response.Content.ReadAsStringAsync(Cancellation));
        }

        Assert.Equal(1, retries.Sum);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_after_its_time()
    {
        var gateway = await GatewayAsync(("Limits:KeepAliveTimeout", "00:00:01"));
        using var tcp = await ConnectAsync(gateway, "/alive");
        using var reader = new StreamReader(tcp.GetStream());

        var answer = await reader.ReadToEndAsync(Cancellation).WaitAsync(s_limit, TimeProvider.System, Cancellation);

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Connection: close", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_client_that_does_not_take_its_response_is_cut_when_the_request_is_over_its_time()
    {
        var cut = new TaskCompletionSource();
        var service = Own(TcpOrigin.Start(async (socket, cancellationToken) =>
        {
            try
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 10000000000\r\n\r\n"u8.ToArray(), cancellationToken);
                var part = new byte[64 * 1024];
                while (true)
                {
                    await socket.SendAsync(part, cancellationToken);
                }
            }
            catch (SocketException)
            {
                cut.SetResult();
            }
        }));
        var gateway = await GatewayAsync(
            ("Limits:RequestTimeout", "00:00:01"),
            ("ReverseProxy:Routes:other:ClusterId", "other"),
            ("ReverseProxy:Routes:other:Match:Path", "/other/{**rest}"),
            ("ReverseProxy:Clusters:other:Destinations:s1:Address", service.Address.AbsoluteUri));
        using var tcp = await ConnectAsync(gateway, "/other/large");

        await cut.Task.WaitAsync(s_limit, Cancellation);
    }

    [LongFact]
    public async Task A_client_that_takes_its_response_too_slowly_is_cut_long_before_the_request_is_over_its_time()
    {
        var cut = new TaskCompletionSource();
        var stalled = Own(TcpOrigin.Start(async (socket, cancellationToken) =>
        {
            try
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"u8.ToArray(), cancellationToken);
                await SendForeverAsync(socket, cancellationToken);
            }
            catch (SocketException)
            {
                // The gateway ends.
            }
        }));
        var service = Own(TcpOrigin.Start(async (socket, cancellationToken) =>
        {
            try
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 10000000000\r\n\r\n"u8.ToArray(), cancellationToken);
                await SendForeverAsync(socket, cancellationToken);
            }
            catch (SocketException)
            {
                cut.SetResult();
            }
        }));
        var gateway = await GatewayAsync(
            ("Limits:MinResponseRate", "1000000"),
            ("ReverseProxy:Routes:other:ClusterId", "other"),
            ("ReverseProxy:Routes:other:Match:Path", "/other/{**rest}"),
            ("ReverseProxy:Clusters:other:Destinations:s1:Address", service.Address.AbsoluteUri),
            ("ReverseProxy:Routes:stream:ClusterId", "stream"),
            ("ReverseProxy:Routes:stream:Match:Path", "/stream/{**rest}"),
            ("ReverseProxy:Clusters:stream:Destinations:s1:Address", stalled.Address.AbsoluteUri));
        // One that turns out to be a stream is not measured, whatever its request said.
        using var stream = await ConnectAsync(gateway, "/stream/x");
        using var tcp = await ConnectAsync(gateway, "/other/large");

        await cut.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation);
        Assert.Contains("text/event-stream", await RawHttp.ReadAsync(stream.Client, until: "\r\n\r\n"), StringComparison.Ordinal);
        var buffer = new byte[64 * 1024];
        for (var read = 0; read < 4 * 1024 * 1024;)
        {
            var count = await stream.Client.ReceiveAsync(buffer, Cancellation);
            Assert.NotEqual(0, count);
            read += count;
        }

        static async Task SendForeverAsync(Socket socket, CancellationToken cancellationToken)
        {
            var part = new byte[64 * 1024];
            while (true)
            {
                await socket.SendAsync(part, cancellationToken);
            }
        }
    }

    // Its least grace is longer than a test should take: a client that is slow with one write, and all the streams on its
    // HTTP/2 connection, would be cut after 5 s.
    [Fact]
    public async Task The_server_itself_demands_no_speed_of_those_who_read_streams()
    {
        var gateway = await GatewayAsync();
        Assert.Null(gateway.Get<IOptions<KestrelServerOptions>>().Value.Limits.MinResponseDataRate);
    }

    private static async Task<TcpClient> ConnectAsync(GatewayHost gateway, string path)
    {
        var tcp = new TcpClient { ReceiveBufferSize = 4096 };
        await tcp.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, Cancellation);
        await tcp.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), Cancellation);
        return tcp;
    }
}
