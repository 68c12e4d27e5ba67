namespace SseApp.Bench.Load;

/// <param name="Url">Base address of a gateway or a replica; plain http.</param>
/// <param name="Streams">Streams to hold open, spread evenly over the topics.</param>
/// <param name="Topics">Topics to publish to in turn.</param>
/// <param name="Rate">Publishes a second over all topics.</param>
/// <param name="Duration">Length of the publishing phase.</param>
/// <param name="Size">Bytes of data in an event, at least 48 for the sequence number and the time stamp.</param>
internal sealed record LoadOptions(Uri Url, int Streams, int Topics, int Rate, TimeSpan Duration, int Size);
