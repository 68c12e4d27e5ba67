using Microsoft.AspNetCore.Routing.Patterns;
using SseApp.ServiceDefaults.Defaults.Health;
using Yarp.ReverseProxy.Configuration.RouteValidators;

namespace SseApp.Gateway.Routing;

/// <summary>
/// A route of section <c>ReverseProxy</c> for exactly a path that the gateway has itself: nobody could say which of the two is meant, so
/// the router fails each such request (500), or the route gets none. One that says more (hosts, methods, headers, an order) is taken as meant.
/// </summary>
internal sealed class OwnPathsValidator(EventsCluster events) : IRouteValidator
{
    private readonly RouteMatch[] _own =
    [
        .. events.Routes.Select(static route => route.Match),
        new() { Path = HealthExtensions.ReadinessPath },
        new() { Path = HealthExtensions.LivenessPath },
    ];

    public ValueTask ValidateAsync(RouteConfig routeConfig, IList<Exception> errors)
    {
        var match = routeConfig.Match;
        if (routeConfig.ClusterId != Replicas.ReplicaDirectory.ClusterId
            && routeConfig.Order is null or 0
            && match is { Methods: null or { Count: 0 }, Headers: null or { Count: 0 }, QueryParameters: null or { Count: 0 } }
            && Shape(match.Path) is { } shape
            && Array.Find(_own, own => Shape(own.Path) == shape && MeetsHosts(own.Hosts, match.Hosts)) is { } taken)
        {
            errors.Add(new InvalidDataException(
                $"Route '{routeConfig.RouteId}' is for '{match.Path}', and '{taken.Path}' is the gateway's own path. Set another ReverseProxy:Routes:{routeConfig.RouteId}:Match:Path, or say with Match:Hosts or Match:Methods which of these requests are meant."));
        }

        return ValueTask.CompletedTask;
    }

    private static bool MeetsHosts(IReadOnlyList<string>? own, IReadOnlyList<string>? others) =>
        own is null or { Count: 0 }
            ? others is null or { Count: 0 }
            : others is not null && others.Any(host => own.Contains(host, StringComparer.OrdinalIgnoreCase));

    /// <summary>The path without the names of its parameters; null for one that has constraints, or is none, of which YARP speaks itself.</summary>
    private static string? Shape(string? path)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            var pattern = RoutePatternFactory.Parse(path);
            return pattern.ParameterPolicies.Count > 0 ? null : string.Join('/', pattern.PathSegments.Select(static segment => string.Concat(segment.Parts.Select(Shape))));
        }
        catch (RoutePatternException)
        {
            return null;
        }
    }

    private static string Shape(RoutePatternPart part) => part switch
    {
        RoutePatternLiteralPart literal => literal.Content.ToUpperInvariant(),
        RoutePatternSeparatorPart separator => separator.Content,
        RoutePatternParameterPart { IsCatchAll: true } => "{*}",
        _ => "{}",
    };
}
