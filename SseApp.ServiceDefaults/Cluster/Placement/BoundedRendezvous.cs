using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Cluster.Placement;

/// <summary>
/// Weighted rendezvous hashing with a bounded load. Each key ranks the replicas in an order of its own, which depends
/// on nothing but the key, the replicas' ids and their weights; it gets the first one that is not full. Shared by
/// gateways, which place streams by it, and replicas, which find out by it whether a stream would now be placed elsewhere.
/// </summary>
/// <remarks>
/// Two places that know the same loads choose the same replica. Loads that differ (a report is up to a heartbeat old)
/// can change the choice only for a key whose replica is full by one and not by the other.
/// </remarks>
internal static class BoundedRendezvous
{
    /// <summary>The hash of a replica's id or of a client's identity; the same on every machine and in every version.</summary>
    public static ulong Hash(string text) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()));

    /// <inheritdoc cref="Hash(string)"/>
    public static ulong Hash(ReadOnlySpan<byte> bytes) => XxHash3.HashToUInt64(bytes);

    /// <summary>The node that comes first for <paramref name="key"/>, whatever it holds; -1 without nodes.</summary>
    public static int First(ulong key, ReadOnlySpan<BalanceNode> nodes) => Best(key, nodes, double.PositiveInfinity);

    /// <summary>
    /// The node that comes first for <paramref name="key"/> among those that would hold no more than
    /// <paramref name="loadFactor"/> times their fair share (rounded up) after it; -1 without nodes.
    /// </summary>
    /// <param name="key">Hash of the client's identity.</param>
    /// <param name="nodes">All nodes to choose from.</param>
    /// <param name="loadFactor">At least 1.</param>
    public static int Pick(ulong key, ReadOnlySpan<BalanceNode> nodes, double loadFactor)
    {
        long load = 1;
        long weight = 0;
        foreach (var node in nodes)
        {
            load += node.Load;
            weight += node.Weight;
        }

        return Best(key, nodes, loadFactor * load / weight);
    }

    /// <summary>The most that a node of <paramref name="weight"/> may hold, when each unit of weight may hold <paramref name="perWeight"/>.</summary>
    public static double Capacity(double perWeight, int weight) =>
        // What is a whole number by calculation must not be rounded up for its last binary digit.
        Math.Ceiling((perWeight * weight) - 1e-9);

    private static int Best(ulong key, ReadOnlySpan<BalanceNode> nodes, double perWeight)
    {
        var best = -1;
        var bestScore = double.NegativeInfinity;
        for (var i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].Load + 1 > Capacity(perWeight, nodes[i].Weight))
            {
                continue;
            }

            var score = Score(key, nodes[i]);

            // Equal scores are decided by the hash, not by the order in which somebody happens to list the nodes.
            if (best < 0 || score > bestScore || (score.Equals(bestScore) && nodes[i].Hash > nodes[best].Hash))
            {
                (best, bestScore) = (i, score);
            }
        }

        return best;
    }

    /// <summary>
    /// An exponential variate of rate 1/weight, negated and inverted: the highest of several is each node's with a
    /// probability in proportion to its weight, and a change of one node leaves the order of the others.
    /// </summary>
    private static double Score(ulong key, in BalanceNode node)
    {
        Span<byte> pair = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(pair, key);
        BinaryPrimitives.WriteUInt64LittleEndian(pair[8..], node.Hash);
        var uniform = ((XxHash3.HashToUInt64(pair) >> 11) + 0.5) / (1L << 53);
        return -node.Weight / Math.Log(uniform);
    }
}

/// <summary>A replica as <see cref="BoundedRendezvous"/> sees it.</summary>
/// <param name="Hash"><see cref="BoundedRendezvous.Hash(string)"/> of the replica's id.</param>
/// <param name="Weight">Share relative to the others, at least 1.</param>
/// <param name="Load">Streams that it holds.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BalanceNode(ulong Hash, int Weight, int Load);
