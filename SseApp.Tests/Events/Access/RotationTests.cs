using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Events.Access;

/// <summary>A replica that trusts an issuer whose keys it reads over HTTP.</summary>
public sealed class RotationTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Nobody_is_called_invalid_before_the_keys_of_the_issuer_were_read()
    {
        await using var issuer = await JwksServer.StartAsync();
        issuer.AddKey("one", "k1");
        issuer.IsAway = true;
        await using var host = await EventsHost.StartAsync(redis, null, issuer.Settings);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", issuer.Token("one"));

        using var answer = await host.Client.GetAsync("/topics/t", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal(AuthReason.Unavailable, (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("reason").GetString());

        // An EventSource would not survive the status.
        await using var refused = await host.OpenAsync("t");
        Assert.Equal(HttpStatusCode.OK, refused.Response.StatusCode);
        var told = await refused.NextAsync();
        Assert.Equal("stream.unavailable", told?.Type);
        Assert.Contains(AuthReason.Unavailable, told!.Data, StringComparison.Ordinal);
        Assert.Null(await refused.NextAsync());
    }

    [LongFact]
    public async Task A_stream_ends_within_a_minute_after_its_key_left_the_set_and_those_of_other_keys_go_on()
    {
        await using var issuer = await JwksServer.StartAsync();
        issuer.AddKey("old", "k1");
        issuer.AddKey("kept", "k2");
        await using var host = await EventsHost.StartAsync(redis, null, issuer.Settings);
        await using var ends = await OpenAsync("old");
        await using var stays = await OpenAsync("kept");

        issuer.RemoveKey("old");
        issuer.AddKey("new", "k3");
        var last = await ends.NextAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(AccessRefusal.EventName, last?.Type);
        Assert.Contains(AuthReason.TokenRevoked, last!.Data, StringComparison.Ordinal);
        await using var renewed = await OpenAsync("new");
        await Assert.ThrowsAsync<TimeoutException>(() => stays.NextAsync(TimeSpan.FromSeconds(1)));

        async Task<SseReader> OpenAsync(string key)
        {
            host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", issuer.Token(key));
            return await host.SubscribeAsync("t");
        }
    }
}
