using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

/// <summary>Refuses the name of a policy that nobody registered, which YARP would find out with the first request.</summary>
internal sealed class BalancingOptionsValidator(IEnumerable<ILoadBalancingPolicy> policies) : IValidateOptions<BalancingOptions>
{
    public ValidateOptionsResult Validate(string? name, BalancingOptions options)
    {
        var names = policies.Select(policy => policy.Name).Order(StringComparer.Ordinal).ToArray();
        return names.Contains(options.Policy, StringComparer.OrdinalIgnoreCase)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"{BalancingOptions.SectionName}:{nameof(BalancingOptions.Policy)} is '{options.Policy}'; known policies are {string.Join(", ", names)}.");
    }
}
