namespace SseApp.Bench.Quick;

/// <summary>One way to reach a server, and the processes that work for it.</summary>
/// <param name="Name">As in the other comparisons.</param>
/// <param name="Target">Where it answers.</param>
/// <param name="Processes">Ids; what they started counts, too.</param>
internal sealed record QuickSide(string Name, Target Target, int[] Processes)
{
    /// <summary>CPU time so far, of all of them.</summary>
    public double CpuMicroseconds() => ProcessTree.Of(Processes).ExactCpuMicroseconds;
}
