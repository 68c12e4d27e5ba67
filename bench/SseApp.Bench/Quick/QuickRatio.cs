using SseApp.Bench.Report;

namespace SseApp.Bench.Quick;

/// <summary>CPU time of one side for the same work, in units of ours: more is better for us.</summary>
/// <param name="Name">In the committed file.</param>
/// <param name="What">In words.</param>
/// <param name="Load">Under which it is measured.</param>
/// <param name="Theirs">The side that is divided.</param>
/// <param name="Ours">The side that divides.</param>
internal sealed record QuickRatio(string Name, string What, QuickLoad Load, string Theirs, string Ours)
{
    /// <summary>Whether it is compared with a committed one.</summary>
    public bool IsChecked => Load.IsChecked;

    public static QuickRatio[] All { get; } =
    [
        new("delivery-aspnet", "a delivery: plain ASP.NET to the replica", QuickLoad.Delivery, "aspnet", "sseapp"),
        new("delivery-gateway", "a delivery: the replica alone to it and the gateway", QuickLoad.Delivery, "sseapp", "sseapp-gateway"),
        new("delivery-nginx", "a delivery: through nginx to through the gateway", QuickLoad.Delivery, "sseapp-nginx", "sseapp-gateway"),
        new("delivery-nchan", "a delivery: nchan to the replica", QuickLoad.Delivery, "nchan", "sseapp"),
        new("burst-aspnet", "a delivery of 32 events at once: plain ASP.NET to the replica", QuickLoad.Burst, "aspnet", "sseapp"),
        new("publish-aspnet", "a publish: plain ASP.NET to the replica with Redis", QuickLoad.Publish, "aspnet", "sseapp"),
        new("publish-gateway", "a publish: the replica alone to it and the gateway", QuickLoad.Publish, "sseapp", "sseapp-gateway"),
        new("publish-nginx", "a publish: through nginx to through the gateway", QuickLoad.Publish, "sseapp-nginx", "sseapp-gateway"),
        new("publish-nchan", "a publish: nchan in memory to the replica with Redis", QuickLoad.Publish, "nchan", "sseapp"),
        new("service-yarp", "a request to another service: through YARP alone to through the gateway", QuickLoad.Service, QuickCluster.PlainYarp, QuickCluster.ServiceBehindGateway),
    ];

    /// <summary>The median of the rounds, each of which measured both sides; null when one was not there.</summary>
    public double? Of(IReadOnlyDictionary<(string Load, string Side), List<double>> cpu) =>
        cpu.TryGetValue((Load.Name, Theirs), out var theirs) && cpu.TryGetValue((Load.Name, Ours), out var ours)
            ? Medians.Of([.. theirs.Zip(ours, (their, our) => their / our)])
            : null;
}
