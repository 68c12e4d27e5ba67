using System.Net.Quic;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Tls;

/// <summary>
/// Listens on the plain and the HTTPS addresses. Kestrel's own <c>Certificate</c> configuration is not used: to take a new
/// certificate it closes the endpoint with all its streams, and with a broken one it makes an endpoint that never recovers.
/// </summary>
internal sealed partial class TlsEndpoints(
    IReadOnlyList<BindingAddress> plain, IOptions<TlsOptions> options, CertificateSource certificates, ILogger<TlsEndpoints> logger)
    : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions kestrel)
    {
        foreach (var address in plain)
        {
            var https = string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);
            kestrel.Listen(address, https ? Secure : static _ => { });
        }

        foreach (var address in options.Value.Addresses)
        {
            kestrel.Listen(address, Secure);
        }

        if (options.Value.Http3 && !HasQuic)
        {
            LogNoQuic();
        }
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Interoperability", "CA1416", Justification = "The property itself says whether the platform has QUIC.")]
    private static bool HasQuic => QuicListener.IsSupported;

    private void Secure(ListenOptions listen)
    {
        listen.Protocols = options.Value.Http3 && HasQuic ? HttpProtocols.Http1AndHttp2AndHttp3 : HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(Handshake()) });
        listen.UseClientConnection();
    }

    private SslServerAuthenticationOptions Handshake() => new()
    {
        ServerCertificateContext = certificates.Current,
        EnabledSslProtocols = options.Value.MinVersion == TlsVersion.Tls13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
    };

    [LoggerMessage(LogLevel.Warning, "HTTP/3 is asked for (Tls:Http3), but this machine has no QUIC; serving HTTP/2 and HTTP/1.1. On Linux install libmsquic 2 or newer, or set Tls:Http3 to false.")]
    private partial void LogNoQuic();
}

internal static class TlsAddresses
{
    /// <summary>All addresses for clients: with HTTPS the endpoints are made by code, and nothing listens where nothing is said.</summary>
    public static IReadOnlyList<BindingAddress> All(IConfiguration configuration)
    {
        var options = Settings.Bind(configuration.GetSection(TlsOptions.SectionName), new TlsOptions());
        return options.Enabled ? [.. ListenAddresses.Plain(configuration), .. options.Addresses] : ListenAddresses.Configured(configuration);
    }
}
