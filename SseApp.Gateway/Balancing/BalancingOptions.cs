namespace SseApp.Gateway.Balancing;

/// <summary>Section <c>Balancing</c>: which replica gets a request.</summary>
public sealed class BalancingOptions
{
    public const string SectionName = "Balancing";

    /// <summary>
    /// Name of the policy: <c>IpHash</c> (default), <c>LeastConnections</c>, <c>WeightedRoundRobin</c>, or one of YARP's own:
    /// <c>PowerOfTwoChoices</c>, <c>LeastRequests</c>, <c>RoundRobin</c>, <c>Random</c>, <c>FirstAlphabetical</c>, which
    /// know no weights. Clusters of section <c>ReverseProxy</c> that name none use it too.
    /// </summary>
    [Required]
    public string Policy { get; set; } = IpHashPolicy.PolicyName;

    /// <summary>
    /// What <c>IpHash</c> hashes: <c>ip</c> (default, the client's address; of an IPv6 address the first
    /// <c>Limits:IPv6PrefixLength</c> bits), <c>header:Name</c>, <c>cookie:Name</c> or <c>query:name</c>. A request without the named value is hashed by its address.
    /// </summary>
    [Required]
    public string HashKey { get; set; } = Balancing.HashKey.Ip;

    /// <summary>
    /// With <c>IpHash</c> a replica holds at most this many times its fair share of the streams, rounded up; further
    /// ones go to their second choice. 1 to 100; default 1.25.
    /// </summary>
    [Range(1.0, 100.0)]
    public double LoadFactor { get; set; } = 1.25;

    /// <summary>
    /// Let replicas that hold too many streams end a few at a time, cleanly, so that their clients reconnect to others:
    /// after a rolling restart the last replica would else stay almost empty. Nothing is lost. The pace is the replicas'
    /// (<c>Streaming:RebalanceRate</c>). Default false.
    /// </summary>
    public bool Rebalance { get; set; }
}
