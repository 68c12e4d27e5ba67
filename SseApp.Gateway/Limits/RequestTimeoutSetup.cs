using Microsoft.AspNetCore.Http.Timeouts;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Limits;

/// <summary>Gives every request that is no stream a time limit, and its client problem details when it is over.</summary>
internal sealed class RequestTimeoutSetup(IOptions<LimitsOptions> limits, RefusalWriter refusals) : IConfigureOptions<RequestTimeoutOptions>
{
    public void Configure(RequestTimeoutOptions options)
    {
        var timeout = limits.Value.RequestTimeout;
        if (timeout > TimeSpan.Zero)
        {
            options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = timeout, WriteTimeoutResponse = WriteAsync };
        }
    }

    private Task WriteAsync(HttpContext context)
    {
        // The token that ended the request would end its answer too; the platform restores it after this.
        context.RequestAborted = CancellationToken.None;
        if (RequestBodies.IsOwed(context))
        {
            // The client took that time, with its body.
            context.Response.StatusCode = StatusCodes.Status408RequestTimeout;
            return Task.CompletedTask;
        }

        return refusals.WriteAsync(context, Refusal.RequestTimedOut);
    }
}
