using System.ComponentModel.DataAnnotations;

namespace SseApp.Gateway.Balancing;

/// <summary>Section <c>Balancing</c>.</summary>
public sealed class BalancingOptions
{
    public const string SectionName = "Balancing";

    /// <summary>
    /// Name of the policy that picks the replica: <c>LeastConnections</c> (default) or one of YARP's own:
    /// <c>PowerOfTwoChoices</c>, <c>LeastRequests</c>, <c>RoundRobin</c>, <c>Random</c>, <c>FirstAlphabetical</c>.
    /// </summary>
    [Required]
    public string Policy { get; set; } = LeastConnectionsPolicy.PolicyName;
}
