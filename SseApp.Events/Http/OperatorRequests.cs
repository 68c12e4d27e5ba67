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
        app.Use((context, next) => SignedRequest.Is(context, RequestPurpose.Operator) ? AnswerAsync(context, next) : ForClientAsync(context, next));

        async Task AnswerAsync(HttpContext context, RequestDelegate next)
        {
            // The platform has looked among the clients' endpoints already.
            var found = context.GetEndpoint();
            context.SetEndpoint(null);
            await answer(context);
            if (!context.Items.ContainsKey(matched))
            {
                context.SetEndpoint(found);
                await ForClientAsync(context, next);
            }
        }

        static Task ForClientAsync(HttpContext context, RequestDelegate next)
        {
            if (HttpMethods.IsDelete(context.Request.Method) && context.Request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(context);
        }
    }
}
