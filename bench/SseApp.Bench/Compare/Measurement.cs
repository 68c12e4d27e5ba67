namespace SseApp.Bench.Compare;

/// <summary>One row of the report. A figure that the scenario does not measure is null.</summary>
internal sealed record Measurement(string Scenario, string Step, string Subject, int Streams)
{
    public double? DeliveriesPerSecond { get; init; }

    /// <summary>CPU time of the servers for one delivery, publish included; microseconds.</summary>
    public double? CpuPerDelivery { get; init; }

    /// <summary>CPU time of this process for one delivery: what it could read at most.</summary>
    public double? GeneratorCpuPerDelivery { get; init; }

    /// <summary>Milliseconds from sending the publish request to reading the event.</summary>
    public double? P50 { get; init; }

    public double? P99 { get; init; }

    /// <summary>Milliseconds from a stream's request to its first byte: the median.</summary>
    public double? FirstByteP50 { get; init; }

    public double? FirstByteP99 { get; init; }

    public double? ConnectsPerSecond { get; init; }

    public double? KiBPerStream { get; init; }

    /// <summary>What a proxy adds to <see cref="CpuPerDelivery"/> of the server behind it.</summary>
    public double? AddedCpu { get; init; }

    /// <summary>What a proxy adds to <see cref="KiBPerStream"/> of the server behind it.</summary>
    public double? AddedKiB { get; init; }

    /// <summary>What a proxy adds to <see cref="FirstByteP99"/> of the server behind it.</summary>
    public double? AddedFirstByte { get; init; }

    public long Lost { get; init; }

    public long Duplicates { get; init; }

    public long Reordered { get; init; }

    public string? Note { get; init; }

    public bool Clean => Lost == 0 && Duplicates == 0 && Reordered == 0;
}
