namespace SseApp.Gateway.Clients;

/// <summary>
/// Gives an IPv4 client one address. On a dual-stack socket it arrives as <c>::ffff:192.0.2.1</c>, which limits, logs
/// and replicas would take for somebody else. It runs after the forwarded headers: a proxy may write such an address too.
/// </summary>
internal sealed class ClientAddressMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } address)
        {
            context.Connection.RemoteIpAddress = address.MapToIPv4();
        }

        return next(context);
    }
}
