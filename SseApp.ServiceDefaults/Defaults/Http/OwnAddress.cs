using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Net.Sockets;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>An address that this process itself listens on, as another process of the machine reaches it.</summary>
/// <param name="Address">As the server names it.</param>
/// <param name="Scheme">http or https.</param>
/// <param name="EndPoints">To be tried in this order.</param>
internal sealed record OwnAddress(string Address, string Scheme, EndPoint[] EndPoints)
{
    /// <summary>The first with HTTPS, as most clients come where there is any; else the first.</summary>
    public static OwnAddress? Find(IEnumerable<string> addresses) => addresses
        .Select(Read)
        .OfType<OwnAddress>()
        .OrderBy(static target => target.Scheme == Uri.UriSchemeHttps ? 0 : 1)
        .FirstOrDefault();

    [SuppressMessage("Security", "CA5359:Do Not Disable Certificate Validation", Justification = "It connects to a socket of its own process, and says nothing there that is worth reading; the certificate's name is not that of the machine, and its end has an alert.")]
    public SocketsHttpHandler CreateHandler() => new()
    {
        ConnectCallback = (_, cancellation) => ConnectAsync(cancellation),
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    };

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            var socket = EndPoints[i].AddressFamily == AddressFamily.Unix
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(EndPoints[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(EndPoints[i], cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (i + 1 < EndPoints.Length)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private static OwnAddress? Read(string text)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(text);
        }
        catch (FormatException)
        {
            return null;
        }

        // A pipe of Windows has no clients elsewhere.
        return address.IsNamedPipe ? null : new OwnAddress(text, address.Scheme, EndPointsOf(address));
    }

    private static EndPoint[] EndPointsOf(BindingAddress address) =>
        address.IsUnixPipe ? [new UnixDomainSocketEndPoint(address.UnixPipePath)]
        // "*", "+", and a name, which Kestrel takes for every address, "localhost" for both of the machine's own.
        : !IPAddress.TryParse(address.Host, out var ip) || ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)
            ? [new IPEndPoint(IPAddress.Loopback, address.Port), new IPEndPoint(IPAddress.IPv6Loopback, address.Port)]
        : [new IPEndPoint(ip, address.Port)];
}
