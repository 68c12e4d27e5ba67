namespace SseApp.Bench.Generator;

/// <summary>How to speak to one subject on 127.0.0.1.</summary>
/// <param name="StreamPort">Where streams connect.</param>
/// <param name="StreamPath">Path and query of a topic's stream.</param>
/// <param name="PublishPort">Where publishes go.</param>
/// <param name="PublishPath">Path and query to publish to a topic; the body is the data.</param>
/// <param name="BatchPath">Path that takes a JSON array of topic and data, or null where there is none.</param>
internal sealed record Target(
    int StreamPort, Func<string, string> StreamPath, int PublishPort, Func<string, string> PublishPath, string? BatchPath = null);
