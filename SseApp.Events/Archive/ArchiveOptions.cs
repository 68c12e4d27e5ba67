using SseApp.ServiceDefaults.Cluster.Archive;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Archive;

/// <summary>Where history goes that Redis no longer holds.</summary>
internal enum ArchiveMode
{
    /// <summary>Nowhere: history ends where the topic log does.</summary>
    None,

    /// <summary>To the PostgreSQL of <c>ConnectionStrings:archive</c>.</summary>
    PostgreSql,
}

/// <summary>Section <c>Archive</c>: history in a database, behind the topic logs.</summary>
internal sealed class ArchiveOptions : ArchiveSettings
{
    public const string SectionName = "Archive";

    /// <summary><c>None</c>, or <c>PostgreSQL</c> with the connection string <c>ConnectionStrings:archive</c>. Default None.</summary>
    public ArchiveMode Mode { get; set; }

    /// <returns>Null for a topic that is not archived.</returns>
    public TimeSpan? RetentionOf(string topic)
    {
        if (Mode == ArchiveMode.None || TopicName.IsCanary(topic))
        {
            return null;
        }

        foreach (var item in Overrides)
        {
            if (TopicPattern.Matches(item.Pattern, topic))
            {
                return item.Retention == TimeSpan.Zero ? null : item.Retention ?? Retention;
            }
        }

        return Retention;
    }
}
