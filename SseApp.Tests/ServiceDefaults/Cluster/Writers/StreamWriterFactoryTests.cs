using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SseApp.Tests.ServiceDefaults.Cluster.Writers;

/// <summary>Which connections are written to directly, and that a response is right either way.</summary>
public sealed class StreamWriterFactoryTests
{
    [Fact]
    public async Task Plain_HTTP_1_1_is_written_to_its_socket() =>
        Assert.Equal(("SocketStreamWriter", "hello"), await AskAsync(HttpVersion.Version11, tls: false));

    [Theory]
    [InlineData("1.0", false)]
    [InlineData("2.0", false)]
    [InlineData("1.1", true)]
    [InlineData("2.0", true)]
    public async Task Everything_else_goes_through_the_pipe(string version, bool tls) =>
        Assert.Equal(("PipeStreamWriter", "hello"), await AskAsync(new Version(version), tls));

    [Fact]
    public async Task A_middleware_that_changes_the_body_is_not_bypassed() =>
        Assert.Equal(
            ("PipeStreamWriter", "hello"),
            await AskAsync(HttpVersion.Version11, tls: false, context =>
                context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(context.Response.Body))));

    [Theory]
    [InlineData("1.1", false, "SocketStreamWriter")]
    [InlineData("2.0", false, "PipeStreamWriter")]
    [InlineData("1.1", true, "PipeStreamWriter")]
    public async Task A_head_that_waits_goes_out_with_the_first_bytes(string version, bool tls, string writer) =>
        Assert.Equal((writer, "hellohellohello"), await AskAsync(new Version(version), tls, more: true));

    [Fact]
    public async Task It_can_be_switched_off() =>
        Assert.Equal(("PipeStreamWriter", "hello"), await AskAsync(HttpVersion.Version11, tls: false, direct: false));

    [Fact]
    public async Task A_client_that_has_reset_its_connection_before_the_first_byte_is_no_fault_of_the_service()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Dispose();
        var buffer = new SendBuffer(16);
        "hello"u8.CopyTo(buffer.GetSpan(5));
        buffer.Advance(5);

        Assert.False(await new SocketStreamWriter(new DefaultHttpContext(), socket).SendAsync(buffer));
    }

    private static async Task<(string Writer, string Body)> AskAsync(Version version, bool tls, Action<HttpContext>? middleware = null, bool direct = true, bool more = false)
    {
        using var certificate = CreateCertificate();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<StreamTransportOptions>(options => options.DirectSocketWrites = direct);
        builder.Services.ConfigureOptions<StreamTransport>();
        builder.Services.AddSingleton<StreamWriterFactory>();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = !tls && version == HttpVersion.Version20 ? HttpProtocols.Http2 : HttpProtocols.Http1AndHttp2;
            if (tls)
            {
                listen.UseHttps(certificate);
            }
        }));
        await using var app = builder.Build();
        var used = "";
        app.Run(async context =>
        {
            middleware?.Invoke(context);
            var writer = await context.RequestServices.GetRequiredService<StreamWriterFactory>().StartAsync(context, more);
            used = writer.GetType().Name;
            var buffer = new SendBuffer(16);
            "hello"u8.CopyTo(buffer.GetSpan(5));
            buffer.Advance(5);
            for (var send = 0; send < (more ? 3 : 1); send++)
            {
                Assert.True(await writer.SendAsync(buffer));
            }
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) => presented?.GetCertHashString() == certificate.GetCertHashString();
        using var client = new HttpClient(handler) { BaseAddress = new Uri(app.Urls.Single()) };
        // Twice, because the second one finds the connection as the first left it.
        await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact }, TestContext.Current.CancellationToken);
        using var answer = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact }, TestContext.Current.CancellationToken);
        return (used, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
