using Microsoft.AspNetCore.Hosting.Server.Features;

namespace SseApp.Gateway.Tls;

/// <summary>
/// Takes the addresses from the server after the host has handed them to it: <see cref="TlsEndpoints"/> listens there, and
/// the server would warn at each start that its endpoints override them.
/// </summary>
internal sealed class TlsStartup : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.ServerFeatures.Get<IServerAddressesFeature>()?.Addresses.Clear();
        next(app);
    };
}
