using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// Compares what an operator may with what the endpoint needs, and counts. An endpoint that does not say what it needs is
/// nobody's; whoever only measures does not learn which paths there are.
/// </summary>
internal sealed class OperatorNeeds(RequestDelegate next, OperatorLimit limit)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Features.GetRequiredFeature<OperatorRequest>();
        var need = context.GetEndpoint() is RouteEndpoint endpoint ? endpoint.Metadata.GetMetadata<Need>()?.Kind : NeedKind.Operate;
        request.IsAudited = need != NeedKind.Measure;
        var may = need switch
        {
            NeedKind.Operate => request.MayOperate,
            NeedKind.Measure => request.MayMeasure,
            _ => false,
        };
        if (!may)
        {
            return AccessRefusal.WriteProblemAsync(
                context,
                AuthReason.InsufficientScope,
                $"This needs the scope {(need == NeedKind.Measure ? $"{Grants.MetricsScope} or {Grants.AdminScope}" : Grants.AdminScope)}, which the credential does not have.");
        }

        if (need == NeedKind.Operate && request.LimitKey.Length > 0 && !limit.TryTake(request.LimitKey))
        {
            context.Response.Headers.RetryAfter = "1";
            return TypedResults.Problem(
                $"At most {OperatorLimit.PerSecond} requests a second of one operator are answered. Try again after the time in Retry-After.",
                statusCode: StatusCodes.Status429TooManyRequests,
                extensions: [KeyValuePair.Create<string, object?>("reason", "operator-rate")]).ExecuteAsync(context);
        }

        return need == NeedKind.Operate && OperatorQuery.Problem(context) is { } unknown
            ? TypedResults.Problem(unknown, statusCode: StatusCodes.Status400BadRequest).ExecuteAsync(context)
            : next(context);
    }
}
