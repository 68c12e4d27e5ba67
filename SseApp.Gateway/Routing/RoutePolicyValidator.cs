using SseApp.ServiceDefaults.Cluster.Credentials;
using Yarp.ReverseProxy.Configuration.RouteValidators;

namespace SseApp.Gateway.Routing;

/// <summary>
/// Where section <c>Security</c> has issuers or keys, each route of section <c>ReverseProxy</c> says who may use it: nobody can tell
/// one that is open on purpose from one that was forgotten.
/// </summary>
internal sealed class RoutePolicyValidator(IOptions<CredentialOptions> options, IHostEnvironment environment) : IRouteValidator
{
    /// <summary>What YARP calls a route without a policy on purpose.</summary>
    public const string Everybody = "anonymous";

    public ValueTask ValidateAsync(RouteConfig routeConfig, IList<Exception> errors)
    {
        if (string.IsNullOrWhiteSpace(routeConfig.AuthorizationPolicy)
            && !options.Value.IsOpen(environment))
        {
            errors.Add(new InvalidDataException(
                $"Route '{routeConfig.RouteId}' does not say who may use it. Set ReverseProxy:Routes:{routeConfig.RouteId}:{nameof(RouteConfig.AuthorizationPolicy)} to 'default' (who has a valid credential) or '{Everybody}' (everybody: the service decides itself)."));
        }

        return ValueTask.CompletedTask;
    }
}
