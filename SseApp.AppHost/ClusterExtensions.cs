using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SseApp.AppHost;

internal static partial class ClusterExtensions
{
    /// <summary>Reads and validates section <c>Cluster</c>.</summary>
    /// <exception cref="DistributedApplicationException">A value is out of its range; the message names the key.</exception>
    public static ClusterOptions GetClusterOptions(this IDistributedApplicationBuilder builder)
    {
        var options = builder.Configuration.GetValidated<ClusterOptions>(ClusterOptions.SectionName);
        if (builder.ExecutionContext.IsPublishMode)
        {
            // A published gateway gets the port of its target; Azure Container Apps refuses an HTTP ingress on any but 80.
            options.GatewayPort = 0;
        }

        return options;
    }

    /// <summary>Says where to click once the gateway answers.</summary>
    public static void AnnounceWhenReady(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> gateway)
    {
        var announced = 0;
        builder.Eventing.Subscribe<ResourceReadyEvent>(gateway.Resource, (ready, _) =>
        {
            // A restart of the gateway makes it ready again; the address stays the same.
            if (Interlocked.Exchange(ref announced, 1) == 0)
            {
                var logger = ready.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost");
                var url = gateway.GetEndpoint("http").Url;
                LogReady(logger, url);
            }

            return Task.CompletedTask;
        });
    }

    [LoggerMessage(Level = LogLevel.Information, Message = """
        The cluster is ready.
              Live console: {Url}
              Subscribe:    curl -N "{Url}/events?topic=news"
              Publish:      curl -d "hello" {Url}/topics/news/events
        """)]
    private static partial void LogReady(ILogger logger, string url);
}
