namespace SseApp.Tests.Gateway.Operators;

public sealed class OperatorTests : GatewayTest
{
    [Fact]
    public async Task The_replica_list_shows_what_the_registry_holds_and_what_this_gateway_forwards()
    {
        await OriginAsync("r1", record => record with { Weight = 4, Backup = true, WorkingSetBytes = 12345, Version = "1.2.3" });
        await OriginAsync("r2", record => record with { State = ReplicaState.Draining, Connections = 7 });
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client);
        await client.ReadUntilAsync("stream.open");

        var replicas = await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/replicas", Cancellation);

        Assert.Equal(2, replicas.GetArrayLength());
        var first = replicas[0];
        Assert.Equal("r1", first.GetProperty("id").GetString());
        Assert.Equal("ready", first.GetProperty("state").GetString());
        Assert.Equal(1, first.GetProperty("streams").GetInt32());
        Assert.Equal(4, first.GetProperty("weight").GetInt32());
        Assert.True(first.GetProperty("backup").GetBoolean());
        Assert.Equal(12345, first.GetProperty("workingSet").GetInt64());
        Assert.Equal("1.2.3", first.GetProperty("version").GetString());
        Assert.Equal("draining", replicas[1].GetProperty("state").GetString());
        Assert.Equal("none", replicas[1].GetProperty("health").GetString());
        Assert.Equal(7, replicas[1].GetProperty("connections").GetInt32());
    }

    [Fact]
    public async Task Health_is_503_without_a_replica_and_200_with_one()
    {
        var gateway = await GatewayAsync();
        using (var empty = await gateway.Admin.GetAsync("/health", Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, empty.StatusCode);
            Assert.Contains("No replica is registered", await empty.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        await OriginAsync("r1");
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");

        using var ready = await gateway.Admin.GetAsync("/health", Cancellation);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Contains("1 of 1 replicas", await ready.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        using var alive = await gateway.Client.GetAsync("/alive", Cancellation);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task The_console_is_served_from_the_program_and_needs_nothing_from_elsewhere()
    {
        var gateway = await GatewayAsync();

        using var page = await gateway.Client.GetAsync("/", Cancellation);
        var html = await page.Content.ReadAsStringAsync(Cancellation);

        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("default-src 'self'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.NotNull(page.Headers.ETag);
        Assert.DoesNotMatch("<script(?![^>]*src=)|<style|style=| on[a-z]+=|https?://", html);
        foreach (var file in new[] { "/console.js", "/console.css", "/icon.svg" })
        {
            Assert.Contains(file[1..], html, StringComparison.Ordinal);
            using var response = await gateway.Client.GetAsync(file, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }
}
