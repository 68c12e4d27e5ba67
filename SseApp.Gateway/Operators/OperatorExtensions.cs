using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Operators;

internal static class OperatorExtensions
{
    /// <summary>Adds what operators see of the cluster and do to it: drain, rolling reload, recycling, disconnects, alerts.</summary>
    public static void AddOperators(this IServiceCollection services)
    {
        services.AddValidatedOptions<ReloadOptions>(ReloadOptions.SectionName);
        services.AddValidatedOptions<RecycleOptions>(RecycleOptions.SectionName);
        services.AddLeases();
        services.AddSingleton<ReplicaDashboard>();
        services.AddSingleton<DrainCommand>();
        services.AddSingleton<ReloadStore>();
        services.AddSingleton<ReplicaReplacement>();
        services.AddSingleton<RollingReload>();
        services.AddHostedService<Recycler>();
        services.AddSingleton<ReplicaClient>();
        services.AddSingleton<ReplicaInspection>();
        services.AddSingleton<TopicLogs>();
        services.AddHealthChecks().AddCheck<ReplicasHealthCheck>("replicas", tags: [HealthTags.Ready]);
    }

    /// <summary>Maps everything below <c>/admin</c>, and what operators do to a topic.</summary>
    public static void MapOperators(this IEndpointRouteBuilder endpoints)
    {
        var operators = endpoints.MapGroup("").Needs(NeedKind.Operate).AnswerHeadAsGet().AddEndpointFilter(AnswerAsync);
        operators.MapTopicDeletion();
        var admin = operators.MapGroup("/admin");
        admin.MapReplicas();
        admin.MapReload();
        admin.MapAlerts();
        admin.MapStreams();
        admin.MapRevocations();
    }

    private static async ValueTask<object?> AnswerAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        http.Response.Headers.CacheControl = "no-store";
        if (http.Request.RouteValues.ContainsKey("topic") && TopicPaths.IsEscapedTwice(http))
        {
            return Problems.Result(http, StatusCodes.Status400BadRequest, TopicPaths.Rule);
        }

        try
        {
            return await next(context);
        }
        catch (BadHttpRequestException exception)
        {
            return Problems.Result(http, exception.StatusCode, BareAnswers.Explain(exception));
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            http.Response.Headers.RetryAfter = "2";
            return Problems.Result(
                http, StatusCodes.Status503ServiceUnavailable, "Redis, through which gateways and replicas agree, does not answer. Try again after the time in Retry-After.", "redis");
        }
    }
}
