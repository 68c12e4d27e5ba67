using System.Text;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Forwarding;

/// <summary>The HTTP clients of the clusters, as section <c>Upstream</c> wants them.</summary>
internal sealed class UpstreamClientFactory(IOptions<UpstreamOptions> options, RequestSignature signature, ILogger<ForwarderHttpClientFactory> logger)
    : ForwarderHttpClientFactory(logger)
{
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.ConnectTimeout = options.Value.ConnectTimeout;

        // Byte for byte, as the server takes and gives them.
        handler.RequestHeaderEncodingSelector ??= static (_, _) => Encoding.Latin1;
        handler.ResponseHeaderEncodingSelector ??= static (_, _) => Encoding.Latin1;
    }

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        new SigningHandler(signature, new SmallBodyHandler(new CutConnectionHandler(base.WrapHandler(context, handler))));
}

internal static class ForwardingExtensions
{
    /// <summary>Adds what attempts at replicas share; call it after YARP was added.</summary>
    public static void AddForwarding(this IServiceCollection services)
    {
        services.AddSingleton<ReplayBudget>();
        services.AddSingleton<IForwarderHttpClientFactory, UpstreamClientFactory>();
    }
}
