using SseApp.Tests.Gateway.Streams;

namespace SseApp.Tests.Gateway.Relay;

/// <summary>The cases of <see cref="ByteTransparencyTests"/> from a replica that relays: what it sends is what the client gets, as it comes.</summary>
public sealed class RelayByteTransparencyTests : GatewayTest
{
    private const int LargestPacket = int.MaxValue;

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Each_byte_is_there_before_the_replica_sends_the_next(string name, string text) =>
        LockStepAsync(name, LargestPacket, HttpVersion.Version11, WireCases.Bytes(text));

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Each_byte_is_there_over_HTTP_2_before_the_replica_sends_the_next(string name, string text) =>
        LockStepAsync(name, LargestPacket, HttpVersion.Version20, WireCases.Bytes(text));

    [Theory, MemberData(nameof(WireCases.Texts), MemberType = typeof(WireCases))]
    public Task Frames_may_come_in_packets_of_one_byte(string name, string text) =>
        LockStepAsync(name, 1, HttpVersion.Version11, WireCases.Bytes(text));

    [Theory]
    [InlineData(LargestPacket, "1.1")]
    [InlineData(1, "1.1")]
    [InlineData(LargestPacket, "2.0")]
    public Task Halves_of_a_character_and_of_a_line_end_are_not_held_back(int packet, string version) =>
        LockStepAsync("halves", packet, Version.Parse(version), WireCases.Halves);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public Task An_event_of_5_MB_arrives_whole(string version) =>
        LockStepAsync("5 MB", LargestPacket, Version.Parse(version), WireCases.EventOf5MB);

    /// <summary>Two clients, so that each frame of data stands for both.</summary>
    private async Task LockStepAsync(string name, int packet, Version version, byte[][] parts)
    {
        using var steps = new LockStep(parts, clients: 2);
        var origin = await RelayOriginAsync("r1", async (stream, _, cancellationToken) =>
        {
            int[] ids = [(await RelayOrigin.ReadOpenAsync(stream, cancellationToken)).Id, (await RelayOrigin.ReadOpenAsync(stream, cancellationToken)).Id];
            foreach (var id in ids)
            {
                await SendAsync(stream, packet, RelayFrames.Head(id), cancellationToken);
            }

            await steps.SendAsync(part => SendAsync(stream, packet, RelayFrames.Data(part, ids), cancellationToken), cancellationToken);
            foreach (var id in ids)
            {
                await SendAsync(stream, packet, RelayFrames.End(id), cancellationToken);
            }

            while (await RelayOrigin.ReadAsync(stream, cancellationToken) is not null)
            {
                // The connection stays; its streams have ended.
            }
        });
        var gateway = await GatewayAsync(
            ("Relay:ConnectionsPerReplica", "1"),
            ("Kestrel:EndpointDefaults:Protocols", version.Major == 2 ? "Http2" : "Http1"));
        using var http = new HttpClient { BaseAddress = gateway.Address, DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var clients = await Task.WhenAll(StreamClient.OpenAsync(http), StreamClient.OpenAsync(http));

        await Task.WhenAll(clients.Select(client => steps.ReceiveAsync(client, name)));

        Assert.Equal(1, origin.Requests);
        Assert.All(clients, client => client.Dispose());
    }

    private static async Task SendAsync(Stream stream, int packet, byte[] bytes, CancellationToken cancellationToken)
    {
        foreach (var piece in bytes.Chunk(Math.Min(packet, bytes.Length)))
        {
            await stream.WriteAsync(piece, cancellationToken);
        }
    }
}
