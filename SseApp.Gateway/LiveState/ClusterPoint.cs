using System.Runtime.InteropServices;

namespace SseApp.Gateway.LiveState;

/// <summary>The cluster in one second. A rate is null when no replica said one: there is no replica, or no heartbeat.</summary>
internal sealed record ClusterPoint
{
    /// <summary>Names of the columns, in the order of <see cref="Write"/>.</summary>
    public static readonly string[] Columns =
        ["at", "published", "delivered", "connects", "reconnects", "refused", "gaps", "p50", "p99", "gatewayMemory"];

    public required DateTimeOffset At { get; init; }

    /// <summary>Events stored in a second.</summary>
    public double? Published { get; init; }

    /// <summary>Events written to streams in a second.</summary>
    public double? Delivered { get; init; }

    /// <summary>Streams opened in a second by clients that had none before.</summary>
    public double? Connects { get; init; }

    /// <summary>Streams opened in a second by clients that came with the id of an event.</summary>
    public double? Reconnects { get; init; }

    /// <summary>Streams and requests refused in a second, by the replicas and by this gateway.</summary>
    public double? Refused { get; init; }

    /// <summary>Gaps reported to streams in a second.</summary>
    public double? Gaps { get; init; }

    /// <summary>Milliseconds from publish to written bytes, median, of the replica where it is longest.</summary>
    public double? P50 { get; init; }

    /// <summary>The same, 99th percentile.</summary>
    public double? P99 { get; init; }

    /// <summary>Resident bytes of this gateway.</summary>
    public long GatewayMemory { get; init; }

    public IReadOnlyList<ReplicaPoint> Replicas { get; init; } = [];

    /// <summary>Writes it as an array, because an hour of names would be larger than its numbers: the columns, then a list of [replica, streams, bytes].</summary>
    /// <param name="json">Where to.</param>
    /// <param name="numberOf">The number that stands for a replica's id; it is not written out each second.</param>
    public void Write(Utf8JsonWriter json, Func<string, int> numberOf)
    {
        json.WriteStartArray();
        json.WriteNumberValue(At.ToUnixTimeMilliseconds());
        foreach (var rate in (ReadOnlySpan<double?>)[Published, Delivered, Connects, Reconnects, Refused, Gaps, P50, P99])
        {
            if (rate is { } value)
            {
                json.WriteNumberValue(Math.Round(value, 2));
            }
            else
            {
                json.WriteNullValue();
            }
        }

        json.WriteNumberValue(GatewayMemory);
        json.WriteStartArray();
        foreach (var replica in Replicas)
        {
            json.WriteStartArray();
            json.WriteNumberValue(numberOf(replica.Id));
            json.WriteNumberValue(replica.Streams);
            json.WriteNumberValue(replica.Memory);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndArray();
    }
}

/// <summary>One replica in one second.</summary>
/// <param name="Id">Its id in the registry.</param>
/// <param name="Streams">That are open.</param>
/// <param name="Memory">Resident bytes.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReplicaPoint(string Id, int Streams, long Memory);
