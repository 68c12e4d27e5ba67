using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Relay;

internal static class RelayExtensions
{
    public static IHostApplicationBuilder AddRelay(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<RelayOptions>(RelayOptions.SectionName);
        builder.Services.AddSingleton<RelayPipeline>();
        builder.Services.AddSingleton<IStartupFilter>(services => services.GetRequiredService<RelayPipeline>());
        builder.Services.AddSingleton<RelayEndpoint>();
        return builder;
    }

    public static void MapRelay(this IEndpointRouteBuilder app)
    {
        if (app.ServiceProvider.GetRequiredService<IOptions<RelayOptions>>().Value.Enabled)
        {
            // For everybody else there is nothing here, whatever the method.
            app.Map(RelayProtocol.Path, (RequestDelegate)app.ServiceProvider.GetRequiredService<RelayEndpoint>().HandleAsync)
                .DisableHttpMetrics()
                .Needs(NeedKind.Cluster)
                .ExcludeFromDescription();
        }
    }
}
