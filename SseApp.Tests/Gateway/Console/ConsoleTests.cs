using System.IO.Compression;

namespace SseApp.Tests.Gateway.Console;

public sealed class ConsoleTests : GatewayTest
{
    [Theory]
    [InlineData("/")]
    [InlineData("/index.html")]
    [InlineData("/console.js")]
    public async Task A_client_that_has_the_file_gets_304(string path)
    {
        var gateway = await GatewayAsync();
        using var first = await gateway.Client.GetAsync(path, Cancellation);
        Assert.True(first.Headers.CacheControl!.NoCache);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        using var second = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Theory]
    [InlineData("br, gzip", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("br;q=0, gzip", "gzip")]
    [InlineData("identity", null)]
    public async Task Files_come_in_the_best_encoding_that_the_client_takes(string accept, string? encoding)
    {
        var gateway = await GatewayAsync();
        var plain = await gateway.Client.GetByteArrayAsync("/console.js", Cancellation);
        using var response = await gateway.Client.SendAsync(HttpMethod.Get, "/console.js", ("Accept-Encoding", accept));

        Assert.Equal(encoding, response.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Contains("Accept-Encoding", response.Headers.Vary);
        Assert.Equal(response.Content.Headers.ContentLength, (await response.Content.ReadAsByteArrayAsync(Cancellation)).Length);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        await using var unpacked = encoding switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var copy = new MemoryStream();
        await unpacked.CopyToAsync(copy, Cancellation);
        Assert.Equal(plain, copy.ToArray());
    }

    [Fact]
    public async Task Pages_cannot_be_framed_sniffed_or_made_to_load_from_elsewhere()
    {
        var gateway = await GatewayAsync();
        using var page = await gateway.Client.GetAsync("/", Cancellation);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(page.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(page.Headers.GetValues("Referrer-Policy")));
        using var problem = await gateway.Client.GetAsync("/nowhere", Cancellation);
        Assert.Equal("nosniff", Assert.Single(problem.Headers.GetValues("X-Content-Type-Options")));
    }
}
