namespace SseApp.Tests.Gateway.Streams;

public sealed class UnaskedStreamTests : GatewayTest
{
    [Theory]
    [InlineData(null)]
    [InlineData("*/*")]
    public async Task A_stream_of_another_service_goes_on_beyond_the_time_of_a_request_although_nobody_asked_for_a_stream(string? accept)
    {
        var release = new TaskCompletionSource();
        var service = Own(await OriginHost.StartAsync("s1", async context =>
        {
            if (context.Request.Path == "/other/slow")
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }

            context.Response.ContentType = "text/event-stream; charset=utf-8";
            await context.Response.WriteAsync("data: first\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await release.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("data: last\n\n", context.RequestAborted);
        }));
        var gateway = await GatewayAsync([("Limits:RequestTimeout", "00:00:01"), .. OtherService(service)]);
        using var stream = await StreamClient.OpenAsync(gateway.Client, "/other/stream", accept, ("Accept-Encoding", "br, gzip"));
        await stream.ReadUntilAsync("data: first\n\n");

        // Began later and is over its time: the stream is, too.
        using var slow = await gateway.Client.GetAsync("/other/slow", Cancellation);
        Assert.Equal(HttpStatusCode.GatewayTimeout, slow.StatusCode);
        release.SetResult();

        await stream.ReadToEndAsync();
        Assert.EndsWith("data: last\n\n", stream.Text, StringComparison.Ordinal);
        Assert.Empty(stream.Response.Content.Headers.ContentEncoding);
    }
}
