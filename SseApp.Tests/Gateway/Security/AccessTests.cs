namespace SseApp.Tests.Gateway.Security;

public sealed class AccessTests : GatewayTest
{
    [Theory]
    [InlineData("192.0.2.1", HttpStatusCode.OK)]
    [InlineData("192.0.2.66", HttpStatusCode.Forbidden)]
    [InlineData("198.51.100.1", HttpStatusCode.Forbidden)]
    [InlineData("2001:db8:1::1", HttpStatusCode.OK)]
    [InlineData("2001:db8:2::1", HttpStatusCode.Forbidden)]
    public async Task Only_those_allowed_and_not_denied_may_use_the_gateway(string client, HttpStatusCode status)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(
            ("Proxies:Known:0", "127.0.0.1"),
            ("Access:Allow:0", "192.0.2.0/24"),
            ("Access:Allow:1", "2001:db8:1::/48"),
            ("Access:Deny:0", "192.0.2.66"));
        using var refusals = new MetricProbe(gateway, "sse_refusals_total");

        foreach (var path in new[] { "/topics/a", "/", "/events" })
        {
            using var response = await GetAsync(gateway, path, client);
            Assert.Equal(status, response.StatusCode);
            if (status == HttpStatusCode.Forbidden)
            {
                var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
                Assert.Equal("address-denied", problem.GetProperty("reason").GetString());
            }
        }

        Assert.Equal(status == HttpStatusCode.Forbidden ? 3 : 0, refusals.Sum);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("192.0.2.1, 127.0.0.1")]
    public async Task A_list_may_be_one_value(string denied)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Access:Deny", denied));

        using var response = await gateway.Client.GetAsync("/topics/a", Cancellation);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Probes_of_this_machine_pass_whatever_the_lists_say()
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("Access:Allow:0", "192.0.2.0/24"));

        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync("/alive", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Admin.GetAsync("/metrics", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync("/health", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await gateway.Client.GetAsync("/topics/a", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(gateway, "/health", "127.0.0.1")).StatusCode);
    }

    [Fact]
    public async Task A_changed_list_counts_at_once_and_one_that_cannot_be_read_changes_nothing()
    {
        await OriginAsync("r1");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "{}", Cancellation);
            var gateway = Own(await GatewayHost.StartAsync(Registry, settingsFile: file));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway));

            await File.WriteAllTextAsync(file, """{ "Access": { "Deny": [ "127.0.0.0/8" ] } }""", Cancellation);
            await Eventually.Async(async () => await StatusAsync(gateway) == HttpStatusCode.Forbidden, TimeSpan.FromSeconds(10), "the deny list to count");

            await File.WriteAllTextAsync(file, """{ "Access": { "Deny": [ "127.0.0.0/99" ] } }""", Cancellation);
            await UntilAsync(() => gateway.Logs.Any(message => message.Contains("contains '127.0.0.0/99'; write an address", StringComparison.Ordinal)), "the mistake to be logged");
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(gateway));

            await File.WriteAllTextAsync(file, """{ "Access": { "Deney": [ "192.0.2.1" ] } }""", Cancellation);
            await UntilAsync(() => gateway.Logs.Any(message => message.Contains("did you mean Access:Deny?", StringComparison.Ordinal)), "the misspelt name to be logged");
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(gateway));

            // The section's own name is wrong, so what was meant for it is gone; a start would be refused.
            foreach (var misplaced in new[] { "Acces", "Acess" })
            {
                await File.WriteAllTextAsync(file, $$"""{ "{{misplaced}}": { "Deny": [ "127.0.0.0/8" ] } }""", Cancellation);
                await UntilAsync(() => gateway.Logs.Any(message => message.Contains($"there is no section {misplaced}; did you mean Access:Deny:0?", StringComparison.Ordinal) && message.Contains("the settings before it all stay in use", StringComparison.Ordinal)), "the misspelt section to be logged");
                Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(gateway));
            }

            // Half of a file, and none.
            await File.WriteAllTextAsync(file, """{ "Access": { "Deny": [ "127.""", Cancellation);
            await UntilAsync(() => gateway.Logs.Any(message => message.Contains($"{file} is no JSON: ", StringComparison.Ordinal)), "the half of a file to be logged");
            // The same section twice, which is JSON.
            await File.WriteAllTextAsync(file, """{ "Access": { "Deny": "192.0.2.1" }, "access": { "Deny": "192.0.2.2" } }""", Cancellation);
            await UntilAsync(() => gateway.Logs.Any(message => message.Contains($"The change of {file} cannot be used", StringComparison.Ordinal) && message.Contains($"{file} cannot be read: A duplicate key 'Access:Deny'", StringComparison.OrdinalIgnoreCase)), "the key that is there twice to be logged");
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(gateway));
            File.Delete(file);
            await UntilAsync(() => gateway.Logs.Any(message => message.Contains($"{file} is gone. ", StringComparison.Ordinal)), "the loss of the file to be logged");
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(gateway));

            await File.WriteAllTextAsync(file, """{ "Access": { "Deny": "192.0.2.1" } }""", Cancellation);
            await Eventually.Async(async () => await StatusAsync(gateway) == HttpStatusCode.OK, TimeSpan.FromSeconds(10), "the deny list to be lifted");
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(GatewayHost gateway)
    {
        using var response = await gateway.Client.GetAsync("/topics/a", Cancellation);
        return response.StatusCode;
    }

    private static Task<HttpResponseMessage> GetAsync(GatewayHost gateway, string path, string client)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Forwarded-For", client);
        return gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }
}
