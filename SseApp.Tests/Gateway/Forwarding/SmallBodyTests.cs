namespace SseApp.Tests.Gateway.Forwarding;

/// <summary>How the bodies of small requests reach a replica.</summary>
public sealed class SmallBodyTests : GatewayTest
{
    private readonly ConcurrentQueue<string> _bodies = new();

    [Fact]
    public async Task A_small_body_reaches_the_replica_together_with_its_head()
    {
        var complete = 0;
        await ReplicaAsync("r1", context =>
        {
            if (context.Request.BodyReader.TryRead(out var read))
            {
                complete += read.Buffer.Length == context.Request.ContentLength ? 1 : 0;
                context.Request.BodyReader.AdvanceTo(read.Buffer.Start);
            }
        });
        var gateway = await GatewayAsync();

        for (var i = 0; i < 20; i++)
        {
            using var content = new StringContent($"{i}");
            using var response = await gateway.Client.PostAsync("/topics/a/events", content, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(20, complete);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), _bodies);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Expect: 100-continue\r\n")]
    public async Task A_body_that_comes_in_pieces_arrives_whole(string header)
    {
        await ReplicaAsync("r1");
        var gateway = await GatewayAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Cancellation);
        client.NoDelay = true;
        var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII);

        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n{header}\r\n"), Cancellation);
        foreach (var piece in new[] { "one", "two", "end" })
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(piece), Cancellation);
            await Task.Yield();
        }

        var answer = await reader.ReadToEndAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Cancellation);

        Assert.Contains("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Equal("onetwoend", Assert.Single(_bodies));
    }

    [Theory]
    [InlineData(4 * 1024)]
    [InlineData(16 * 1024)]
    [InlineData((16 * 1024) + 1)]
    public async Task A_body_about_as_large_as_the_buffers_arrives_whole_with_its_type(int size)
    {
        var types = new ConcurrentQueue<string?>();
        await ReplicaAsync("r1", context => types.Enqueue(context.Request.ContentType));
        var gateway = await GatewayAsync();
        var data = new string('x', size - 1) + "!";
        using var content = new StringContent(data, Encoding.UTF8, "application/json");

        using var response = await gateway.Client.PostAsync("/publish", content, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(data, Assert.Single(_bodies));
        Assert.Equal("application/json; charset=utf-8", Assert.Single(types));
    }

    private Task ReplicaAsync(string id, Action<HttpContext>? look = null) => HandlingOriginAsync(id, async context =>
    {
        look?.Invoke(context);
        using var reader = new StreamReader(context.Request.Body);
        _bodies.Enqueue(await reader.ReadToEndAsync(context.RequestAborted));
    });
}
