using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Answers a URL or headers over the limit with 414 or 431, and names that are none with 400, whatever the protocol. The server itself would refuse them before
/// anybody could say why, and over HTTP/2 end the connection with all its streams; it takes twice as much (<see cref="KestrelSetup"/>).
/// </summary>
internal sealed class HeadSizeMiddleware(RequestDelegate next, IOptions<LimitsOptions> options, GatewayMetrics metrics)
{
    private const string WrongName = "header-name";

    // What stands between name and value, and at the end of a line.
    private const int FieldOverhead = 4;

    private readonly int _maxLine = options.Value.MaxRequestLineBytes;
    private readonly int _maxHeaders = options.Value.MaxRequestHeaderBytes;

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var line = request.Method.Length + request.Protocol.Length + context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Length + FieldOverhead;
        if (line > _maxLine)
        {
            return RefuseAsync(
                context, StatusCodes.Status414UriTooLong, "url-too-long", "The URL", "ask for fewer topics at once", nameof(LimitsOptions.MaxRequestLineBytes), _maxLine);
        }

        var size = 0;
        // Over HTTP/2 and HTTP/3 the server takes any bytes for a name, line ends among them, and what is behind this speaks HTTP/1.1.
        var anyName = !HttpProtocol.IsHttp11(request.Protocol) && !HttpProtocol.IsHttp10(request.Protocol);
        foreach (var (name, values) in request.Headers)
        {
            if (anyName && !HeaderName.IsValid(name))
            {
                metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", WrongName));
                return Problems.WriteAsync(context, StatusCodes.Status400BadRequest, "The name of a header has characters that names may not have.", WrongName);
            }

            foreach (var value in values)
            {
                size += name.Length + (value?.Length ?? 0) + FieldOverhead;
            }
        }

        return size > _maxHeaders
            ? RefuseAsync(
                context, StatusCodes.Status431RequestHeaderFieldsTooLarge, "headers-too-large", "The header", "send fewer or smaller cookies", nameof(LimitsOptions.MaxRequestHeaderBytes), _maxHeaders)
            : next(context);
    }

    private Task RefuseAsync(HttpContext context, int status, string reason, string what, string advice, string setting, int limit)
    {
        metrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
        return Problems.WriteAsync(
            context,
            status,
            string.Create(CultureInfo.InvariantCulture, $"{what} is larger than {limit} bytes; {advice}, or raise {LimitsOptions.SectionName}:{setting}."),
            reason);
    }
}
