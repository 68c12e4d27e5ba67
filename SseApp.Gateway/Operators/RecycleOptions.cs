using System.ComponentModel.DataAnnotations;

namespace SseApp.Gateway.Operators;

/// <summary>Section <c>Recycle</c>: rolling reloads by the clock, for services that leak.</summary>
public sealed class RecycleOptions
{
    public const string SectionName = "Recycle";

    /// <summary>A reload begins when the oldest replica is older than this. Default 0: never.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan Every { get; set; }

    /// <summary>Each gateway waits longer by up to this share, so that clusters do not reload in step. 0 to 1; default 0.1.</summary>
    [Range(0, 1)]
    public double Jitter { get; set; } = 0.1;
}
