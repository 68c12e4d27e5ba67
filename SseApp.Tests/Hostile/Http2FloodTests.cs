namespace SseApp.Tests.Hostile;

/// <summary>Frames that cost their sender next to nothing, by the ten thousand: the connection ends, or what they cost is bounded.</summary>
[Collection(typeof(RunsAlone))]
public sealed class Http2FloodTests(RedisServer redis) : HostileTest(redis)
{
    private const int Frames = 10_000;
    private const int AtOnce = 500;
    private const long MaxGrowth = 64 * 1024 * 1024;

    [Fact]
    public async Task A_flood_of_frames_ends_its_connection_or_costs_no_memory_and_holds_up_nobody()
    {
        var site = await BeginAsync(("Limits:ReadsPerSecond", "20"), ("Limits:ConnectsPerSecond", "50"), ("Limits:ConnectBurst", "50"), ("Limits:RequestHeadersTimeout", "00:00:01"));
        // A request whose head, or whose body, does not end.
        var head = Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream, 1);
        var body = Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndHeaders, 1, RawHttp2.Request("POST", "/topics/a/events"));
        long Limited() => site.Refusals("read-rate") + site.Refusals("connect-rate") + Reset();
        long Reset() => site.Ends("output_queue_size_exceeded") + site.Ends("stream_reset_limit_exceeded");
        Func<long> Thousands(string type) => () => site.Frames(type) / 1000;
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await FloodAsync([], i => [.. RawHttp2.Get(Id(i), "/topics/a"), .. Cancel(i)], Limited);
        await FloodAsync([], i => [.. RawHttp2.Get(Id(i), "/events?topic=a", ("accept", "text/event-stream")), .. Cancel(i)], Limited);
        await FloodAsync([], i => [.. RawHttp2.Get(Id(i), "/topics/a"), .. Http2Frame.Write(Http2Frame.WindowUpdate, 0, Id(i), Http2Frame.Number(int.MaxValue))], Limited);
        await FloodAsync([], i => Http2Frame.Write(Http2Frame.Headers, Http2Frame.EndStream | Http2Frame.EndHeaders, Id(i), RawHttp2.Fields((":method", "GET"))), Thousands("headers"));
        await FloodAsync([], _ => Http2Frame.Write(Http2Frame.Settings, 0, 0), Thousands("settings"));
        await FloodAsync([], _ => Http2Frame.Write(Http2Frame.Ping, 0, 0, new byte[8]), Thousands("ping"), pings: Frames);
        await FloodAsync([], i => Http2Frame.Write(Http2Frame.Priority, 0, Id(i), 0, 0, 0, 0, 1), Thousands("priority"));
        await FloodAsync([], _ => Http2Frame.Write(Http2Frame.WindowUpdate, 0, 0, Http2Frame.Number(1)), Thousands("window_update"));
        await FloodAsync(body, _ => Http2Frame.Write(Http2Frame.Data, 0, 1), Thousands("data"));
        await FloodAsync(body, _ => Http2Frame.Write(Http2Frame.Data, 8, 1, [255, .. new byte[255]]), Thousands("data"));
        await FloodAsync(head, _ => Http2Frame.Write(Http2Frame.Continuation, 0, 1), () => site.Ends("request_headers_timeout"), ends: true);
        await FloodAsync(
            head, i => Http2Frame.Write(Http2Frame.Continuation, 0, 1, RawHttp2.Fields(($"x{i}", new string('x', 100)))), () => site.Ends("max_request_headers_total_size_exceeded"), ends: true);

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, MaxGrowth);

        // What is counted: the connection's end, what a limit has refused, or the frames themselves.
        async Task FloodAsync(byte[] first, Func<int, byte[]> flood, Func<long> counted, int pings = 0, bool ends = false)
        {
            await using var connection = await RawHttp2.ConnectAsync(site.Gateway.SecureAddress);
            var since = counted();
            await connection.SendAsync(first);
            var alive = true;
            for (var sent = 0; alive && sent < Frames; sent += AtOnce)
            {
                alive = await connection.SendAsync([.. Enumerable.Range(sent, AtOnce).SelectMany(flood)]);
            }

            await site.AssertGoesOnAsync();
            if (ends)
            {
                await connection.EndedAsync();
            }
            else if (alive && await connection.SendAsync(Http2Frame.Write(Http2Frame.Ping, 0, 0, new byte[8])))
            {
                // Everything has been taken, or was too much.
                await connection.PongAsync(pings + 1);
            }

            await UntilAsync(() => counted() > since, "the flood to be counted");

            await site.AssertGoesOnAsync();
        }
    }

    private static int Id(int number) => (2 * number) + 1;

    private static byte[] Cancel(int number) => Http2Frame.Write(Http2Frame.Reset, 0, Id(number), Http2Frame.Number(8));
}
