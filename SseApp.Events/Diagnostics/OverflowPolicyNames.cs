namespace SseApp.Events.Diagnostics;

/// <summary>Values of the metric's label <c>policy</c>.</summary>
internal static class OverflowPolicyNames
{
    public static readonly OverflowPolicy[] All = Enum.GetValues<OverflowPolicy>();

    public static string Label(this OverflowPolicy policy) => policy switch
    {
        OverflowPolicy.DropOldest => "drop-oldest",
        OverflowPolicy.Conflate => "conflate",
        _ => "disconnect",
    };
}
