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

    /// <summary>Seconds until all streams had begun and had what they missed.</summary>
    public double? WholeAfter { get; init; }

    /// <summary>Milliseconds from a stream's connecting to that: the median.</summary>
    public double? OpeningP50 { get; init; }

    public double? OpeningP99 { get; init; }

    /// <summary>CPU time of the servers for one of these streams; microseconds.</summary>
    public double? CpuPerStream { get; init; }

    /// <summary>Milliseconds from a publish request to its answer.</summary>
    public double? PublishP99 { get; init; }

    /// <summary>Connections and streams that broke, and were opened again.</summary>
    public long? Errors { get; init; }

    /// <summary>Streams that were answered with another status than 200, or told that they are not taken.</summary>
    public long? Refusals { get; init; }

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
