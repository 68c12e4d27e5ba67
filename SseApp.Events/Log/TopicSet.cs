namespace SseApp.Events.Log;

/// <summary>The topics of one connection, sorted and without duplicates: the order that positions refer to.</summary>
internal sealed class TopicSet
{
    public TopicSet(IEnumerable<string> topics)
    {
        Names = topics is string[] { Length: 1 } single ? single : [.. topics.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Check = ComputeCheck(Names);
    }

    /// <summary>One topic; nothing is sorted, which a publish would pay for with each event.</summary>
    public static TopicSet Of(string topic) => new((string[])[topic]);

    public string[] Names { get; }

    public int Count => Names.Length;

    /// <summary>Whether it is the one of a gateway's canary, which counts as nobody's.</summary>
    public bool IsCanary => TopicName.IsCanary(Names[0]);

    /// <summary>Eighteen bits that tie a position to this set; the same in every process and version.</summary>
    public uint Check { get; }

    // FNV-1a over the names with a separator that no name contains; string.GetHashCode differs between processes.
    private static uint ComputeCheck(string[] names)
    {
        var hash = 2166136261u;
        foreach (var name in names)
        {
            foreach (var c in name)
            {
                hash = (hash ^ c) * 16777619u;
            }

            hash = (hash ^ '\n') * 16777619u;
        }

        return (hash ^ (hash >> 18)) & 0x3FFFF;
    }
}
