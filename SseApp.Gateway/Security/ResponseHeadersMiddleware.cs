namespace SseApp.Gateway.Security;

/// <summary>
/// Puts the configured headers on every response, at the last moment: what YARP copies from a replica comes before. <c>Server</c>
/// leaves with none, whoever answered (as nginx leaves it out of what it passes on), and <c>nosniff</c> is on all: both can be set
/// or removed by configuration.
/// </summary>
internal sealed class ResponseHeadersMiddleware(RequestDelegate next, IOptions<ResponseHeadersOptions> options)
{
    private readonly KeyValuePair<string, string>[] _set = [.. options.Value.Set];
    private readonly string[] _remove = [.. options.Value.Remove];

    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(Apply, context.Response);
        return next(context);
    }

    private Task Apply(object state)
    {
        var headers = ((HttpResponse)state).Headers;
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

        return Task.CompletedTask;
    }
}
