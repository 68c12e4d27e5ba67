using Yarp.ReverseProxy.LoadBalancing;

namespace SseApp.Gateway.Balancing;

/// <summary>Refuses a policy that nobody registered and a hash key that means nothing, instead of the first request doing so.</summary>
/// <remarks>The policies are asked for late: some of them need these options themselves.</remarks>
internal sealed class BalancingOptionsValidator(IServiceProvider services) : IValidateOptions<BalancingOptions>
{
    public ValidateOptionsResult Validate(string? name, BalancingOptions options)
    {
        var failures = new List<string>();
        var names = services.GetServices<ILoadBalancingPolicy>().Select(policy => policy.Name).Order(StringComparer.Ordinal).ToArray();
        if (!names.Contains(options.Policy, StringComparer.OrdinalIgnoreCase))
        {
            failures.Add($"{BalancingOptions.SectionName}:{nameof(BalancingOptions.Policy)} is '{options.Policy}'; known policies are {string.Join(", ", names)}.");
        }

        if (HashKey.TryParse(options.HashKey) is null)
        {
            failures.Add($"{BalancingOptions.SectionName}:{nameof(BalancingOptions.HashKey)} is '{options.HashKey}'; {HashKey.Rule}");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
