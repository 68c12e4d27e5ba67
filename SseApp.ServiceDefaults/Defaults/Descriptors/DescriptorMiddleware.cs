using Microsoft.AspNetCore.Hosting;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Knows which connections have a request, and ends each with its request while descriptors are short: a client that was
/// refused must not hold for minutes what the next one needs. Stands before everything else.
/// </summary>
internal sealed class DescriptorMiddleware(DescriptorBudget budget) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(following => context =>
            context.Features.Get<ConnectionSlot>() is { } slot ? RunAsync(following, context, slot) : following(context));
        next(app);
    };

    private async Task RunAsync(RequestDelegate next, HttpContext context, ConnectionSlot slot)
    {
        budget.Begin(slot);
        try
        {
            // On HTTP/2 the other requests of the client would need a new connection; an upgraded one has no next request.
            if (budget.IsTight && HttpProtocol.IsHttp11(context.Request.Protocol) && context.Request.Headers.Upgrade.Count == 0)
            {
                slot.CloseAfterRequest();
            }

            await next(context);
        }
        finally
        {
            budget.End(slot);
        }
    }
}
