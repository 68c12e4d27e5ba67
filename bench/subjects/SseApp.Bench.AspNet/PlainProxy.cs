using Yarp.ReverseProxy.Configuration;

namespace SseApp.Bench.AspNet;

/// <summary>YARP and nothing else, as its own first page has it: one route, one cluster, one destination.</summary>
internal static class PlainProxy
{
    private const string Only = "only";

    public static Task RunAsync(string address)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = Only, ClusterId = Only, Match = new RouteMatch { Path = "{**rest}" } }],
            [new ClusterConfig { ClusterId = Only, Destinations = new Dictionary<string, DestinationConfig>(StringComparer.Ordinal) { [Only] = new() { Address = address } } }]);
        var app = builder.Build();
        app.MapReverseProxy();
        return app.RunAsync();
    }
}
