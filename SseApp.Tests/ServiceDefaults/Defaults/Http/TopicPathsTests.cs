namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>A topic's name is escaped once in a path; what is escaped twice is nobody's name, everywhere.</summary>
public sealed class TopicPathsTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly (HttpMethod Method, string Before, string After)[] s_requests =
    [
        (HttpMethod.Post, "/topics/", "/events"), (HttpMethod.Get, "/topics/", "/events"), (HttpMethod.Get, "/topics/", ""), (HttpMethod.Get, "/events?topic=", ""),
    ];

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public async Task A_name_that_is_escaped_twice_is_400_and_no_other_topic_is_meant(string service)
    {
        var (gateway, replica) = await StartAsync();
        var client = service == "replica" ? replica.Client : gateway.Client;
        var admin = service == "replica" ? replica.Admin : gateway.Admin;
        using (var stored = await client.PostAsync("/topics/a%2Fb/events", new StringContent("x"), Cancellation))
        {
            Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        }

        foreach (var name in (string[])["a%252Fb", "a%252fb", "%2561", "a%25", "a%25252Fb"])
        {
            foreach (var (method, before, after) in s_requests)
            {
                Assert.True(await StatusAsync(client, method, before + name + after) == HttpStatusCode.BadRequest, $"{method} {before}{name}{after}");
            }

            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(admin, HttpMethod.Delete, "/topics/" + name));
            Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(admin, HttpMethod.Post, $"/admin/topics/{name}/disconnect"));
        }

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(admin, HttpMethod.Delete, "/topics/b"));
        Assert.Contains("\"lastOffset\":1", await client.GetStringAsync("/topics/a%2fb", Cancellation), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(admin, HttpMethod.Delete, "/topics/a%2Fb"));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = method == HttpMethod.Post ? new StringContent("x") : null;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return response.StatusCode;
    }
}
