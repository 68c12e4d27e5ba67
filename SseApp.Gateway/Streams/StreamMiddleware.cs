using System.Diagnostics;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Streams;

/// <summary>Sets a stream request apart from others: no time limit, no duration metric, a clean end when the gateway stops.</summary>
internal sealed class StreamMiddleware(RequestDelegate next, StreamDrain drain)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!ClientRequest.Of(context).IsStream)
        {
            await next(context);
            return;
        }

        // Routes from configuration may carry streams too; only the replicas' own is known beforehand.
        LongResponse.Begin(context);
        if (ClientRequest.Of(context).IsCanary || SseTracing.OpenStream(context) is not { } span)
        {
            await StreamLifetime.RunAsync(context, next, drain.NextEnd());
            return;
        }

        context.Response.OnStarting(
            static state =>
            {
                var (opening, response) = ((Activity, HttpResponse))state;
                opening.SetTag("http.response.status_code", response.StatusCode);
                opening.Stop();
                return Task.CompletedTask;
            },
            (span, context.Response));
        try
        {
            await StreamLifetime.RunAsync(context, next, drain.NextEnd());
        }
        finally
        {
            // Of a stream that was never opened.
            span.Stop();
        }
    }
}
