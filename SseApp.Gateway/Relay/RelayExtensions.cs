using Microsoft.Extensions.DependencyInjection.Extensions;

namespace SseApp.Gateway.Relay;

internal static class RelayExtensions
{
    /// <summary>Puts the relay before YARP's forwarder; call it after YARP was added.</summary>
    public static IServiceCollection AddRelay(this IServiceCollection services)
    {
        services.AddValidatedOptions<RelayOptions>(RelayOptions.SectionName);
        services.AddStreamTransport();
        services.AddSingleton<RelayPools>();
        services.AddSingleton<PublishStreamForwarder>();
        services.AddHostedService(provider => provider.GetRequiredService<RelayPools>());

        var own = services.Last(descriptor => descriptor.ServiceType == typeof(IHttpForwarder)).ImplementationType!;
        // Its type is YARP's own, so the log for it cannot be named here.
        services.AddSingleton(typeof(ILogger<>).MakeGenericType(own), typeof(ForwarderLog<>).MakeGenericType(own));
        services.Replace(ServiceDescriptor.Singleton<IHttpForwarder>(provider => ActivatorUtilities.CreateInstance<RelayForwarder>(
            provider, (IHttpForwarder)ActivatorUtilities.CreateInstance(provider, own))));
        return services;
    }
}
