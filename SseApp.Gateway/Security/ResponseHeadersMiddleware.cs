using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Security;

/// <summary>
/// Puts the configured headers on every response, at the last moment: what YARP copies from a replica comes before. <c>Server</c>
/// leaves with none, whoever answered (as nginx leaves it out of what it passes on), and <c>nosniff</c> is on all: both can be set
/// or removed by configuration. A gateway that stops says that the connection ends: a client that kept it for its next request
/// might send that in the moment in which the server closes, and could not know whether anybody had it.
/// </summary>
internal sealed class ResponseHeadersMiddleware(RequestDelegate next, IOptions<ResponseHeadersOptions> options, IHostApplicationLifetime lifetime)
{
    private readonly KeyValuePair<string, string>[] _set = [.. options.Value.Set];
    private readonly string[] _remove = [.. options.Value.Remove];

    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(Apply, context);
        return next(context);
    }

    private Task Apply(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        headers.Server = default;
        headers.XContentTypeOptions = "nosniff";
        foreach (var name in _remove)
        {
            headers.Remove(name);
        }

        foreach (var (name, value) in _set)
        {
            headers[name] = value;
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested && BareAnswers.OwnsConnection(context.Request) && context.Response.StatusCode >= StatusCodes.Status200OK)
        {
            headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
