using System.Text.Json.Serialization;

namespace SseApp.Gateway.Operators;

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

    /// <summary>The successor is ready; the streams come back.</summary>
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
