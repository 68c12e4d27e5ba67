using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Operators;

/// <summary>
/// Keeps web pages of others from using the operator API by way of the operator's own browser: a request from another
/// origin, or to a name that somebody else's DNS points here, is refused.
/// </summary>
internal sealed class CrossSiteFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (IsSameSite(http.Request))
        {
            return await next(context);
        }

        return Problems.Result(http, StatusCodes.Status403Forbidden, "The operator API does not accept commands from web pages of another origin.", "cross-site");
    }

    /// <summary>False for what a web page of another origin may have sent.</summary>
    public static bool IsSameSite(HttpRequest request)
    {
        var host = request.Host.Host;
        var known = IPAddress.TryParse(host.Trim('[', ']'), out _) || string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase);
        var origin = request.Headers.Origin.ToString();
        return known && (origin.Length == 0 || string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase));
    }
}
