using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Http;

internal static class OperatorRequests
{
    /// <summary>
    /// Answers operators' requests that a gateway has signed, beside the clients' requests. To everybody else these paths and
    /// methods do not exist, not even in an <c>Allow</c>: that is why they have a router of their own.
    /// </summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="map">The endpoints; each verifies the signature.</param>
    public static void UseOperatorRequests(this WebApplication app, Action<IEndpointRouteBuilder> map)
    {
        var matched = new object();
        var operators = new ApplicationBuilder(app.Services);
        operators.UseRouting();
        operators.Use((context, next) =>
        {
            if (context.GetEndpoint() is not RouteEndpoint)
            {
                return Task.CompletedTask;
            }

            context.Items[matched] = true;
            return next(context);
        });
        operators.UseEndpoints(map);
        var answer = operators.Build();
        app.Use(async (context, next) =>
        {
            var request = context.Request;
            if (SignedRequest.Is(context, RequestPurpose.Operator))
            {
                // The platform has looked among the clients' endpoints already.
                var found = context.GetEndpoint();
                context.SetEndpoint(null);
                await answer(context);
                if (context.Items.ContainsKey(matched))
                {
                    return;
                }

                context.SetEndpoint(found);
            }

            if (HttpMethods.IsDelete(request.Method) && request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            await next(context);
        });
    }
}
