using System.IO.Compression;

namespace SseApp.Tests.Gateway.Compression;

public sealed class CompressionTests : GatewayTest
{
    private static readonly string s_text = string.Concat(Enumerable.Repeat("{\"offset\":1,\"data\":\"hello\"}\n", 400));

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    [InlineData("")]
    public async Task Ordinary_responses_are_compressed_for_clients_that_can(string encoding)
    {
        var gateway = await ServiceAsync("application/json");
        using var response = await GetAsync(gateway.Client, "/other/page", encoding);

        Assert.Equal(encoding.Length > 0 ? [encoding] : [], response.Content.Headers.ContentEncoding);
        var bytes = await response.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal(encoding.Length > 0, bytes.Length < s_text.Length / 4);
        Assert.Equal(s_text, Unpack(bytes, encoding));
        Assert.Equal(encoding.Length > 0 ? ["Accept-Encoding"] : [], response.Headers.Vary.Intersect(["Accept-Encoding"]));
    }

    [Theory]
    [InlineData("text/event-stream")]
    [InlineData("*/*")]
    public async Task Streams_are_never_compressed_and_come_at_once(string accept)
    {
        var origin = await OriginAsync("r1");
        var gateway = await GatewayAsync();
        using var client = await StreamClient.OpenAsync(gateway.Client, accept: accept, headers: ("Accept-Encoding", "br, gzip, deflate, zstd"));
        await client.ReadUntilAsync("stream.open");
        origin.Send("data: tiny\n\n");
        await client.ReadUntilAsync("data: tiny\n\n");
        Assert.Equal(["identity"], client.Response.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task A_stream_of_another_service_is_not_compressed_even_when_the_client_did_not_ask_for_a_stream()
    {
        var gateway = await ServiceAsync("text/event-stream");
        using var response = await GetAsync(gateway.Client, "/other/stream", "br");
        Assert.Empty(response.Content.Headers.ContentEncoding);
        Assert.Equal(s_text, await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task What_a_service_has_compressed_itself_passes_unchanged()
    {
        var gateway = await ServiceAsync("text/plain", response => response.Headers.ContentEncoding = "zstd");
        using var response = await GetAsync(gateway.Client, "/other/page", "br, zstd");
        Assert.Equal(["zstd"], response.Content.Headers.ContentEncoding);
        Assert.Equal(s_text, await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Theory]
    [InlineData("Compression:OverHttps", "true", true)]
    [InlineData("Compression:OverHttps", "false", false)]
    [InlineData("Compression:Enabled", "false", false)]
    public async Task It_can_be_switched_off_for_HTTPS_or_altogether(string key, string value, bool compressed)
    {
        using var certificate = new TestCertificate();
        var gateway = await ServiceAsync("text/plain", null,
            (key, value), ("Tls:CertificateFile", certificate.CertificateFile), ("Tls:KeyFile", certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"));
        using var http = certificate.Client(gateway.SecureAddress);
        using var response = await GetAsync(http, "/other/page", "gzip");
        Assert.Equal(compressed ? ["gzip"] : [], response.Content.Headers.ContentEncoding);
    }

    private async Task<GatewayHost> ServiceAsync(string contentType, Action<HttpResponse>? prepare = null, params (string, string)[] settings)
    {
        var service = Own(await OriginHost.StartAsync("s1", context =>
        {
            context.Response.ContentType = contentType;
            prepare?.Invoke(context.Response);
            return context.Response.WriteAsync(s_text, context.RequestAborted);
        }));
        return await GatewayAsync([.. settings, .. OtherService(service)]);
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient client, string path, string acceptEncoding)
    {
        var response = await client.SendAsync(HttpMethod.Get, path, ("Accept-Encoding", acceptEncoding));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    private static string Unpack(byte[] bytes, string encoding)
    {
        using var packed = new MemoryStream(bytes);
        using Stream plain = encoding switch
        {
            "br" => new BrotliStream(packed, CompressionMode.Decompress),
            "gzip" => new GZipStream(packed, CompressionMode.Decompress),
            _ => packed,
        };
        using var reader = new StreamReader(plain, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
