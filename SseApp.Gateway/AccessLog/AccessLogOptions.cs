using SseApp.Gateway.Requests;

namespace SseApp.Gateway.AccessLog;

/// <summary>Section <c>AccessLog</c>: one line of JSON for each request when it ends, a stream's with its duration, bytes and events.</summary>
[SwitchedOnBy(nameof(Enabled))]
public sealed class AccessLogOptions : IValidatableObject
{
    public const string SectionName = "AccessLog";

    /// <summary>Whether the log is written. Default false.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// File to append to; its folder is made, and it is opened again when somebody moved or emptied it, as <c>logrotate</c>
    /// does. Default none: standard output.
    /// </summary>
    public string? File { get; set; }

    /// <summary>
    /// Lines that may wait to be written. When a disk cannot keep up, further ones are dropped, counted and reported: no
    /// request waits for its log. Default 16 384.
    /// </summary>
    [Range(1, 10_000_000)]
    public int QueueLines { get; set; } = 16_384;

    /// <summary>
    /// Query parameters of your own services whose values are logged. All others are logged as <c>***</c>, but for those of the
    /// replicas and the operator API, which are no secrets (<c>topic</c>, <c>lastEventId</c>, <c>limit</c> and so on). Default none.
    /// </summary>
    public ISet<string> ShownQuery { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Query parameters whose values are logged as <c>***</c> all the same, such as <c>topic</c>. Default none.</summary>
    public ISet<string> HiddenQuery { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Paths whose requests are not logged: a path, or with a <c>*</c> at its end all that begin so (<c>/assets/*</c>). Letter case and
    /// a slash at the end do not count. An empty list (<c>[]</c>, or an empty variable) logs everything.
    /// </summary>
    public IList<string> Exclude { get; } = ["/health", "/alive", "/metrics"];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var problem in PathPatterns.Problems(Exclude))
        {
            yield return new ValidationResult($"{SectionName}:{nameof(Exclude)} {problem}", [nameof(Exclude)]);
        }

        if (!Enabled || string.IsNullOrWhiteSpace(File))
        {
            yield break;
        }

        string? unwritable = null;
        try
        {
            using var log = AccessLogWriter.Open(File);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            unwritable = exception.Message;
        }

        if (unwritable is not null)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(File)} '{File}' cannot be written: {unwritable} Choose a file that this user may write, or leave the setting out to log to standard output.", [nameof(File)]);
        }
    }
}
