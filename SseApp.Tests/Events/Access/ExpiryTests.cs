using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Events.Access;

public sealed class ExpiryTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task A_stream_says_that_its_token_ends_ends_before_it_does_and_goes_on_with_the_next_one()
    {
        await using var host = await EventsHost.StartAsync(redis, null, Tokens.Settings);
        var life = TimeSpan.FromSeconds(8);
        var expires = DateTimeOffset.FromUnixTimeSeconds((TimeProvider.System.GetUtcNow() + life).ToUnixTimeSeconds());
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["t"], ["t"], life: life));
        await using var stream = await host.SubscribeAsync("t");
        using var first = await host.PublishAsync("t", "before");
        Assert.Equal(["before"], await stream.DataAsync(1));

        var warned = await stream.NextRawAsync();
        Assert.Equal("stream.token-expiring", warned?.Type);
        using var warning = JsonDocument.Parse(warned!.Data);
        Assert.Equal(expires, warning.RootElement.GetProperty("expiresAt").GetDateTimeOffset());
        var id = stream.LastEventId;

        var ended = await stream.NextRawAsync();
        Assert.True(TimeProvider.System.GetUtcNow() <= expires, "The stream ended after its token.");
        Assert.Equal(AccessRefusal.EventName, ended?.Type);
        using var end = JsonDocument.Parse(ended!.Data);
        Assert.Equal(AuthReason.TokenExpired, end.RootElement.GetProperty("reason").GetString());
        Assert.InRange(stream.Retry!.Value, 1, 3_000);
        Assert.Equal(id, stream.LastEventId);
        Assert.Null(await stream.NextRawAsync());

        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["t"], ["t"]));
        using var missed = await host.PublishAsync("t", "between");
        await using var next = await host.ResumeAsync(stream.LastEventId, "t");
        await next.OpenedAsync();
        Assert.Equal(["between"], await next.DataAsync(1));
    }

    [Fact]
    public async Task A_stream_that_begins_a_moment_before_the_end_of_its_token_is_told_all_the_same()
    {
        await using var host = await EventsHost.StartAsync(redis, null, Tokens.Settings);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["t"], life: TimeSpan.FromSeconds(2.5)));
        var types = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var stream = await host.OpenAsync("t");
            var types = new List<string>();
            while (await stream.NextAsync() is { } next)
            {
                types.Add(next.Type);
            }

            return string.Join(", ", types);
        }));
        Assert.All(types, come => Assert.Contains(come, new[] { $"stream.open, stream.token-expiring, {AccessRefusal.EventName}", AccessRefusal.EventName }));
        Assert.Contains(types, come => come.StartsWith("stream.open", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_in_the_tolerance_for_clocks_opens_no_stream()
    {
        await using var host = await EventsHost.StartAsync(redis, null, Tokens.Settings);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(["t"], ["t"], life: TimeSpan.FromSeconds(-10)));
        using var published = await host.PublishAsync("t", "still let in");
        Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        await using var stream = await host.OpenAsync("t");
        Assert.Equal(AccessRefusal.EventName, (await stream.NextRawAsync())?.Type);
        Assert.Null(await stream.NextRawAsync());
    }
}
