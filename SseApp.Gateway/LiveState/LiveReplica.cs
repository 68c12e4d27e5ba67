using SseApp.Gateway.Operators;

namespace SseApp.Gateway.LiveState;

/// <summary>A replica as the console shows it: what <c>GET /admin/replicas</c> has of it, and what it does now.</summary>
internal sealed record LiveReplica : ReplicaView
{
    public LiveReplica(ReplicaView view)
        : base(view)
    {
    }

    /// <summary>Streams that are open on it, this gateway's own as of now.</summary>
    public int Open { get; init; }

    /// <summary>Events stored in a second; null when it has sent no heartbeat lately.</summary>
    public double? Published { get; init; }

    /// <summary>Events written to streams in a second.</summary>
    public double? Delivered { get; init; }
}

/// <summary>The gateway that answers.</summary>
/// <param name="Name">Of its machine or container, and its process id.</param>
/// <param name="Version">Of its assembly.</param>
/// <param name="StartedAt">Start of its process.</param>
/// <param name="Streams">That it forwards now.</param>
/// <param name="Viewers">Who look at its state.</param>
internal sealed record LiveGateway(string Name, string Version, DateTimeOffset StartedAt, int Streams, int Viewers);
