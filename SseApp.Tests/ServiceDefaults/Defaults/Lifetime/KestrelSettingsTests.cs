using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What the platform's section would leave out without a word stops the start; what it reads does not.</summary>
public sealed class KestrelSettingsTests
{
    [Theory]
    [InlineData("Limits:MaxRequestBodySize", "1000", "Kestrel:Limits:MaxRequestBodySize is '1000', but nobody reads it; of section Kestrel only Certificates, EndpointDefaults and Endpoints are read. A gateway has Limits:MaxRequestBodyBytes for it.")]
    [InlineData("Limits:MinResponseDataRate:BytesPerSecond", "10", "Kestrel:Limits:MinResponseDataRate:BytesPerSecond is '10', *Limits:MinResponseRate for it.")]
    [InlineData("Limits:Http2:MaxStreamsPerConnection", "10", "Kestrel:Limits:Http2:MaxStreamsPerConnection is '10', but nobody reads it; *are read.")]
    [InlineData("AddServerHeader", "true", "Kestrel:AddServerHeader is 'true', but nobody reads it; *")]
    [InlineData("Endpoint:a:Url", "http://*:80", "Kestrel:Endpoint:a:Url is 'http://*:80', but nobody reads it; *")]
    [InlineData("Endpoints:a:Protocol", "Http1", "Kestrel:Endpoints:a:Protocol is 'Http1', but nobody reads it; allowed in Kestrel:Endpoints:a: Certificate, ClientCertificateMode, Protocols, Sni, SslProtocols, Url.")]
    [InlineData("Endpoints:a:Certificate:Pasword", "hunter2", "Kestrel:Endpoints:a:Certificate:Pasword is ***, but nobody reads it; *")]
    [InlineData("Certificates:Default:Pasword", "hunter2", "Kestrel:Certificates:Default:Pasword is ***, but nobody reads it; *")]
    [InlineData("Endpoints:a:Sni:b.example:Certificates:Path", "b.pem", "Kestrel:Endpoints:a:Sni:b.example:Certificates:Path is ***, but nobody reads it; *")]
    [InlineData("EndpointDefaults:Protocols", "Http3", "Kestrel:EndpointDefaults:Protocols is 'Http3', but without TLS clients and gateways speak HTTP/1.1, and would get 400; *")]
    [InlineData("endpointdefaults:protocols", "http2", "Kestrel:endpointdefaults:Protocols is 'http2', but without TLS *")]
    [InlineData("EndpointDefaults:Protocols", "Http4", "Kestrel:EndpointDefaults:Protocols is 'Http4'; it must be one of None, Http1, Http2, Http1AndHttp2, *")]
    [InlineData("EndpointDefaults:Protocols", "None", "Kestrel:EndpointDefaults:Protocols is 'None', but *")]
    [InlineData("EndpointDefaults:SslProtocols:0", "Tls14", "Kestrel:EndpointDefaults:SslProtocols:0 is 'Tls14'; it must be one of *Tls13*")]
    [InlineData("EndpointDefaults:ClientCertificateMode", "Always", "Kestrel:EndpointDefaults:ClientCertificateMode is 'Always'; it must be one of *RequireCertificate*")]
    public void What_would_mean_nothing_is_named(string setting, string value, string line)
    {
        var problem = Assert.Single(Problems((setting, value)));

        Assert.True(System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, problem, ignoreCase: false), problem);
    }

    [Fact]
    public void An_endpoint_without_TLS_speaks_what_clients_speak()
    {
        Assert.StartsWith(
            "Kestrel:Endpoints:a:Protocols is 'Http2', but without TLS ",
            Assert.Single(Problems(("Endpoints:a:Url", "http://*:80"), ("Endpoints:a:Protocols", "Http2"))),
            StringComparison.Ordinal);
        Assert.Empty(Problems(("Endpoints:a:Url", "https://*:443"), ("Endpoints:a:Protocols", "Http2")));
        Assert.Empty(Problems(("Endpoints:a:Url", "http://*:80"), ("Endpoints:a:Protocols", "Http1AndHttp2")));
    }

    [Fact]
    public void What_the_platform_reads_stops_nothing() => Assert.Empty(Problems(
        ("Endpoints:a:Url", "https://*:443"),
        ("Endpoints:a:Protocols", "Http1AndHttp2AndHttp3"),
        ("Endpoints:a:SslProtocols:0", "Tls12"),
        ("Endpoints:a:ClientCertificateMode", "AllowCertificate"),
        ("Endpoints:a:Certificate:Path", "a.pem"),
        ("Endpoints:a:Certificate:KeyPath", "a.key"),
        ("Endpoints:a:Sni:b.example:Certificate:Subject", "b.example"),
        ("Endpoints:a:Sni:b.example:Protocols", "Http2"),
        ("EndpointDefaults:Protocols", "Http1"),
        ("Certificates:Default:Password", "p"),
        ("Certificates:Default:AllowInvalid", "true")));

    private static string[] Problems(params (string Setting, string Value)[] settings) =>
    [
        .. KestrelSettings.Problems(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create($"Kestrel:{setting.Setting}", (string?)setting.Value)))
            .Build()),
    ];
}
