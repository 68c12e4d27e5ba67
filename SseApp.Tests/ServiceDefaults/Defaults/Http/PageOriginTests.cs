namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

public sealed class PageOriginTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly (string, string)[] s_settings =
        [("Cors:Origins:0", "https://app.example"), ("Cors:Origins:1", "http://app.example:8080"), ("Proxies:Known:0", "127.0.0.1"), ("Hosts:Allowed:0", "own.example"), ("Hosts:Allowed:1", "public.example")];

    [Theory]
    // Programs.
    [InlineData("gateway", null, 201)]
    [InlineData("replica", null, 201)]
    // The service's own pages, as the browser writes the origin.
    [InlineData("gateway", "http://own.example", 201)]
    [InlineData("gateway", "HTTP://Own.Example:80", 201)]
    [InlineData("replica", "http://own.example", 201)]
    [InlineData("gateway", "https://own.example", 201, "X-Forwarded-Proto: https")]
    [InlineData("gateway", "https://public.example", 201, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example")]
    [InlineData("gateway", "https://own.example", 201, "Sec-Fetch-Site: same-origin")]
    [InlineData("replica", "https://own.example", 403, "X-Forwarded-Proto: https")]
    // Listed ones.
    [InlineData("gateway", "https://app.example", 201)]
    [InlineData("gateway", "https://app.example:443", 201)]
    [InlineData("gateway", "https://APP.example", 201, "Sec-Fetch-Site: cross-site")]
    [InlineData("gateway", "http://app.example:8080", 201)]
    [InlineData("replica", "https://app.example", 403)]
    [InlineData("gateway", "http://own.example.", 201)]
    [InlineData("replica", "http://own.example.", 201)]
    [InlineData("gateway", "https://own.example.", 201, "Sec-Fetch-Site: same-origin")]
    [InlineData("gateway", "https://own.example:443", 201, "Sec-Fetch-Site: same-origin")]
    [InlineData("gateway", "https://app.example.", 201)]
    // Foreign ones.
    [InlineData("gateway", "https://app.example..", 403)]
    // No name that the DNS could have, though an address may have it.
    [InlineData("gateway", "https://xn--e\u00e6hocalhostxample.xampl\u00a4.", 403)]
    [InlineData("gateway", "https://wn.example", 403, "Sec-Fetch-Site: same-origin")]
    [InlineData("gateway", "https://evil.example", 403)]
    [InlineData("replica", "https://evil.example", 403)]
    [InlineData("gateway", "null", 403)]
    [InlineData("replica", "null", 403)]
    [InlineData("gateway", "", 403)]
    [InlineData("gateway", "http://app.example", 403)]
    [InlineData("gateway", "https://own.example", 403)]
    [InlineData("gateway", "http://own.example:8080", 403)]
    [InlineData("gateway", "https://app.example.evil.example", 403)]
    [InlineData("gateway", "https://app.example@evil.example", 403)]
    [InlineData("gateway", "https://evil.example/https://app.example", 403)]
    [InlineData("gateway", "https://app.example https://evil.example", 403)]
    [InlineData("gateway", "https://app.example\r\nOrigin: https://evil.example", 403)]
    [InlineData("gateway", "https://evil.example", 403, "Sec-Fetch-Site: same-origin")]
    [InlineData("gateway", null, 403, "Sec-Fetch-Site: cross-site")]
    [InlineData("replica", null, 403, "Sec-Fetch-Site: same-site")]
    public async Task Only_own_and_listed_pages_publish(string service, string? origin, int status, string? more = null)
    {
        var address = await AddressAsync(service, s_settings);
        var headers = (origin is null ? "" : $"Origin: {origin}\r\n") + (more is null ? "" : $"{more}\r\n");
        foreach (var path in (string[])["/topics/a/events", "/publish"])
        {
            var body = path == "/publish" ? "[{\"topic\":\"a\",\"data\":\"x\"}]" : "x";
            var answer = await RawHttp.AskAsync(
                address, $"POST {path} HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\nContent-Type: text/plain\r\n{headers}Content-Length: {body.Length}\r\n\r\n{body}");

            if (status == 403)
            {
                Assert.Equal("foreign-origin", RawHttp.AssertProblem(403, answer).GetProperty("reason").GetString());
            }
            else
            {
                Assert.StartsWith(path == "/publish" ? "HTTP/1.1 200 " : "HTTP/1.1 201 ", answer, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("DELETE", "/topics/a", 404)]
    [InlineData("PUT", "/publish", 403)]
    [InlineData("GET", "/topics/a", 200)]
    [InlineData("HEAD", "/topics/a", 200)]
    public async Task What_changes_nothing_is_not_concerned(string method, string path, int status)
    {
        foreach (var address in await AddressesAsync(s_settings))
        {
            var answer = await RawHttp.AskAsync(address, $"{method} {path} HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    public async Task Where_every_origin_is_listed_every_page_publishes(string origin)
    {
        var address = await AddressAsync("gateway", ("Cors:Origins:0", "*"));

        var answer = await RawHttp.AskAsync(address, $"POST /topics/a/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: {origin}\r\nContent-Length: 1\r\n\r\nx");

        Assert.StartsWith("HTTP/1.1 201 ", answer, StringComparison.Ordinal);
    }

    private async Task<Uri[]> AddressesAsync(params (string, string)[] settings)
    {
        var (gateway, replica) = await StartAsync(settings: settings);
        return [gateway.Address, replica.Address];
    }
}
