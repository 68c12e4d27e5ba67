using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Relay;

internal static class RelayExtensions
{
    public static IHostApplicationBuilder AddRelay(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<RelayOptions>(RelayOptions.SectionName);
        builder.Services.AddSingleton<RelayPipeline>();
        builder.Services.AddSingleton<IStartupFilter>(services => services.GetRequiredService<RelayPipeline>());
        builder.Services.AddSingleton<RelayedApplication>();
        ObserveServer(builder.Services);
        builder.Services.AddSingleton<RelayEndpoint>();
        return builder;
    }

    private static void ObserveServer(IServiceCollection services)
    {
        var own = services.Last(static service => service.ServiceType == typeof(IServer));
        services.Replace(ServiceDescriptor.Singleton<IServer>(provider => new ObservedServer(
            (IServer)(own.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, own.ImplementationType!)),
            provider.GetRequiredService<RelayedApplication>())));
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
