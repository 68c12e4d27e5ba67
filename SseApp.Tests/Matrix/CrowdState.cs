namespace SseApp.Tests.Matrix;

/// <param name="Count">Clients of this crowd.</param>
/// <param name="Open">Those whose stream is open now.</param>
/// <param name="Closed">Those that will never come back.</param>
/// <param name="Received">Events that even the slowest has received.</param>
/// <param name="Opened">Streams opened so far, by all together.</param>
/// <param name="Faults">What some lost, got twice or out of order, or were told to miss.</param>
internal sealed record CrowdState(int Count, int Open, int Closed, int Received, int Opened, string[] Faults)
{
    public static CrowdState None { get; } = new(0, 0, 0, 0, 0, []);
}
