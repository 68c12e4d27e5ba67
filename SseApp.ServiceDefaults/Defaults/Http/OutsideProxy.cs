namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// The proxy that the environment names (<c>http_proxy</c>), for what is outside. .NET would also ask it for what is on this machine: a
/// webhook or an issuer beside the service, which no proxy can reach.
/// </summary>
internal sealed class OutsideProxy : IWebProxy
{
    public ICredentials? Credentials
    {
        get => HttpClient.DefaultProxy.Credentials;
        set => throw new NotSupportedException();
    }

    public Uri? GetProxy(Uri destination) => destination.IsLoopback ? null : HttpClient.DefaultProxy.GetProxy(destination);

    public bool IsBypassed(Uri host) => host.IsLoopback || HttpClient.DefaultProxy.IsBypassed(host);
}
