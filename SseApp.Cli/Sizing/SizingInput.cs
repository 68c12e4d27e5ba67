namespace SseApp.Cli.Sizing;

/// <summary>What is to be served.</summary>
/// <param name="Users">Streams that are open at the busiest moment.</param>
/// <param name="EventsPerSecond">Events that are published in a second, in all.</param>
/// <param name="Bytes">Of the data of an event.</param>
/// <param name="Audience">The share of the users that gets each event: 1 when all have one topic, 0.001 for one of a thousand rooms.</param>
/// <param name="Topics">Topics that have a log.</param>
internal sealed record SizingInput(long Users, double EventsPerSecond, int Bytes, double Audience = 1, long Topics = 1);
