using SseApp.Events.Log;

namespace SseApp.Cli.Positions;

/// <summary>What an id of an event says, read by the code of the replicas that wrote it.</summary>
/// <param name="Id">The id.</param>
/// <param name="Topics">In the order of the id; null when they were not named, for the id has no names.</param>
/// <param name="Readings">The positions; more than one list where the id can be of more than one number of topics.</param>
/// <param name="MarkBits">Width of the marks of epochs, for each reading.</param>
internal sealed record DecodedId(string Id, string[]? Topics, IReadOnlyList<MarkedPosition[]> Readings, IReadOnlyList<int> MarkBits)
{
    /// <exception cref="ToolException">It is none, or not one of these topics.</exception>
    public static DecodedId Of(string id, string[] names)
    {
        foreach (var name in names)
        {
            TopicNames.Check(name);
        }

        if (names.Length == 0)
        {
            MarkedPosition[][] readings = [.. PositionCodec.Readings(id)];
            return readings.Length > 0
                ? new DecodedId(id, null, readings, [.. readings.Select(positions => PositionCodec.MarkBits(positions))])
                : throw new ToolException(ExitCode.Failed, "no-id", "This is no id of an event: it is damaged, cut short, or of another version. A stream that comes with it gets a gap (unknown-position).");
        }

        var topics = new TopicSet(names);
        var known = new MarkedPosition[topics.Count];
        return PositionCodec.TryDecode(id, topics, known)
            ? new DecodedId(id, topics.Names, [known], [PositionCodec.MarkBits(known)])
            : throw new ToolException(
                ExitCode.Failed,
                "other-topics",
                PositionCodec.Readings(id).Any()
                    ? "This is an id of other topics: it belongs to a stream of exactly the topics that it was made for, and a stream of these gets a gap (unknown-position)."
                    : "This is no id of an event: it is damaged, cut short, or of another version. A stream that comes with it gets a gap (unknown-position).");
    }
}
