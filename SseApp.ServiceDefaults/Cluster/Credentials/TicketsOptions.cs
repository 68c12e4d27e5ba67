namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Section <c>Tickets</c>: how long the URLs of <c>POST /tickets</c> open streams. The same for all replicas.</summary>
internal sealed class TicketsOptions
{
    public const string SectionName = "Tickets";

    /// <summary>No ticket is older, whatever <see cref="MaxAge"/> was when it was made.</summary>
    public static readonly TimeSpan LongestAge = TimeSpan.FromDays(1);

    /// <summary>A ticket opens its first stream within this time. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan FirstUse { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After the end of its stream a ticket opens the next one within this time: an <c>EventSource</c> reconnects to the URL that it has.
    /// Default 2 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReconnectWindow { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// A ticket, and the stream that it has then, ends when it is as old as this, or with the credential that it was made with if that is
    /// earlier. Default 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:02", "1.00:00:00")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Tickets that one who has a token may have at a time: unused ones, those with a stream, and those that may open one again. Default 100.</summary>
    [Range(1, 1_000_000)]
    public int MaxPerToken { get; set; } = 100;

    /// <summary>The same for the API keys of one name: the server of a site has the tickets of all who visit it. Default 10 000.</summary>
    [Range(1, 1_000_000)]
    public int MaxPerApiKey { get; set; } = 10_000;
}
