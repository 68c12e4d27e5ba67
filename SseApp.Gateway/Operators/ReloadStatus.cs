using System.Collections.Immutable;

namespace SseApp.Gateway.Operators;

/// <summary>The newest rolling reload of the cluster.</summary>
internal sealed record ReloadStatus
{
    public required string Id { get; init; }

    public required ReloadState State { get; init; }

    /// <summary>Why it was begun: <c>operator</c> or <c>schedule</c>.</summary>
    public required string Trigger { get; init; }

    /// <summary>Machine of the gateway that runs it.</summary>
    public required string Gateway { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Last sign of life of the gateway that runs it.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>One sentence for people.</summary>
    public required string Detail { get; init; }

    public required ImmutableArray<ReloadStep> Steps { get; init; }
}
