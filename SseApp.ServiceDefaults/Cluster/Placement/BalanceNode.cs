using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Cluster.Placement;

/// <summary>A replica as <see cref="BoundedRendezvous"/> sees it.</summary>
/// <param name="Hash"><see cref="BoundedRendezvous.Hash(string)"/> of the replica's id.</param>
/// <param name="Weight">Share relative to the others, at least 1.</param>
/// <param name="Load">Streams that it holds.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BalanceNode(ulong Hash, int Weight, int Load);
