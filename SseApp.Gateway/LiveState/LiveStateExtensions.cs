using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.LiveState;

internal static class LiveStateExtensions
{
    /// <summary>Adds the stream of the cluster's state, which the operators' console is fed by.</summary>
    public static void AddLiveState(this IServiceCollection services)
    {
        services.AddValidatedOptions<LiveStateOptions>(LiveStateOptions.SectionName);
        services.AddSingleton<ClusterSampler>();
        services.AddSingleton<ClusterHistory>();
        services.AddSingleton<LiveStateService>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveStateService>());
        services.AddSingleton<LiveStateEndpoint>();
    }

    /// <summary>Maps <c>GET /admin/state</c>, for operators alone.</summary>
    public static void MapLiveState(this IEndpointRouteBuilder admin) => admin
        .MapGet("/admin/state", (RequestDelegate)(static context => context.RequestServices.GetRequiredService<LiveStateEndpoint>().HandleAsync(context)))
        .Needs(NeedKind.Operate)
        .Reads()
        .AnswerHeadAsGet();
}
