using System.Globalization;
using SseApp.Events.Log;
using StackExchange.Redis;

namespace SseApp.Tests.Events.Log;

public sealed class AppendQueueTests
{
    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_its_publish_and_no_later_one()
    {
        var queue = new AppendQueue(
            requests => Task.FromResult(Array.ConvertAll(requests, request => RedisResult.Create((RedisValue)request.Stamp))),
            (request, answer) => request.TrySetResult(
                new AppendResult(new Position(default, long.Parse((string)answer!, CultureInfo.InvariantCulture)), Repeated: false)));

        var damaged = Add(queue, "no number");
        await Assert.ThrowsAsync<FormatException>(() => damaged.WaitAsync(TestContext.Current.CancellationToken));

        var later = await Add(queue, "7").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(7, later.Position.Offset);
    }

    private static Task<AppendResult> Add(AppendQueue queue, string stamp)
    {
        var request = new AppendRequest("t", "{t}:", new byte[1], stamp, idempotencyKey: null);
        queue.Add(request);
        return request.Task;
    }
}
