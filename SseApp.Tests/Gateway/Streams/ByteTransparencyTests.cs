namespace SseApp.Tests.Gateway.Streams;

/// <summary>A server of bare bytes behind the gateway, as a replica and from configuration: what it sends is what the client gets, as it comes.</summary>
public sealed class ByteTransparencyTests : GatewayTest
{
    private const string Replica = "/events?topic=a";
    private const string Configured = "/raw/stream";

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Each_byte_of_a_replica_is_there_before_it_sends_the_next(string name, string text) =>
        LockStepAsync(name, Replica, chunked: true, WireCases.Bytes(text));

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Each_byte_of_a_configured_service_is_there_before_it_sends_the_next(string name, string text) =>
        LockStepAsync(name, Configured, chunked: true, WireCases.Bytes(text));

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Each_byte_of_an_answer_that_ends_with_its_connection_is_there_before_the_next(string name, string text) =>
        LockStepAsync(name, Configured, chunked: false, WireCases.Bytes(text));

    [Theory]
    [InlineData(Replica)]
    [InlineData(Configured)]
    public Task Halves_of_a_character_and_of_a_line_end_are_not_held_back(string path) =>
        LockStepAsync("halves", path, chunked: true, WireCases.Halves);

    [Theory]
    [InlineData(Replica)]
    [InlineData(Configured)]
    public Task An_event_of_5_MB_arrives_whole(string path) =>
        LockStepAsync("5 MB", path, chunked: true, WireCases.EventOf5MB);

    private async Task LockStepAsync(string name, string path, bool chunked, byte[][] parts)
    {
        using var steps = new LockStep(parts);
        var origin = await TcpOriginAsync("r1", async (socket, cancellationToken) =>
        {
            await SendAsync(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n"), cancellationToken);
            await steps.SendAsync(part => SendAsync(socket, chunked ? Chunk(part) : part, cancellationToken), cancellationToken);
            if (chunked)
            {
                await SendAsync(socket, "0\r\n\r\n", cancellationToken);
            }
        });
        var gateway = await GatewayAsync(
            ("ReverseProxy:Routes:raw:ClusterId", "raw"),
            ("ReverseProxy:Routes:raw:Match:Path", "/raw/{**rest}"),
            ("ReverseProxy:Clusters:raw:Destinations:one:Address", origin.Address.AbsoluteUri));
        using var client = await StreamClient.OpenAsync(gateway.Client, path);

        await steps.ReceiveAsync(client, name);
    }

    private static byte[] Chunk(byte[] bytes) =>
        [.. Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), .. bytes, .. "\r\n"u8];

    private static Task SendAsync(Socket socket, string text, CancellationToken cancellationToken) =>
        SendAsync(socket, Encoding.ASCII.GetBytes(text), cancellationToken);

    private static async Task SendAsync(Socket socket, byte[] bytes, CancellationToken cancellationToken) => await socket.SendAsync(bytes, cancellationToken);
}
