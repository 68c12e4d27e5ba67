namespace SseApp.Tests.Chaos;

/// <summary>A <c>stream.gap</c> as a subscriber got it.</summary>
/// <param name="Reason">As sent.</param>
/// <param name="From">First missing offset, if told.</param>
/// <param name="To">Last missing offset, if told.</param>
/// <param name="Numbers">How many events had come before it.</param>
internal sealed record ReportedGap(string Reason, long? From, long? To, int Numbers);
