using Microsoft.Extensions.Primitives;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Routing;

/// <summary>The names in <c>Match:Hosts</c>, and those of the routes of section <c>ReverseProxy</c>.</summary>
internal sealed class RouteNames : IHostNames, IDisposable
{
    private readonly IProxyConfigProvider[] _providers;
    private readonly IDisposable[] _watches;

    public RouteNames(IEnumerable<IProxyConfigProvider> providers)
    {
        _providers = [.. providers];
        _watches = [.. _providers.Select(provider => ChangeToken.OnChange(() => provider.GetConfig().ChangeToken, () => Changed?.Invoke(this, EventArgs.Empty)))];
    }

    public event EventHandler? Changed;

    public IEnumerable<string> Names => _providers.SelectMany(provider => provider.GetConfig().Routes).SelectMany(route => route.Match.Hosts ?? []);

    public void Dispose() => Array.ForEach(_watches, watch => watch.Dispose());
}
