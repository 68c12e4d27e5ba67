using System.Collections.Immutable;
using System.Text.Json.Serialization;

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

/// <summary>The reload of one replica.</summary>
/// <param name="Replica">Id of the process that is replaced.</param>
/// <param name="State">How far it is.</param>
/// <param name="Streams">Streams it held when its turn came.</param>
/// <param name="Seconds">What its turn took; null before its end.</param>
internal sealed record ReloadStep(string Replica, ReloadState State, int Streams = 0, double? Seconds = null);

/// <summary>Where a rolling reload, or the reload of one replica in it, is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReloadState>))]
internal enum ReloadState
{
    /// <summary>Not begun.</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>Under way.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>The successor is ready; the streams reconnect.</summary>
    [JsonStringEnumMemberName("returning")]
    Returning,

    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>The gateway that ran it ended before the reload did.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReloadStatus))]
internal sealed partial class ReloadJsonContext : JsonSerializerContext;
