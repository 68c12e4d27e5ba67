namespace SseApp.Gateway.Alerts;

/// <summary>Section <c>Alerts</c>: what is wrong enough to report to a person, and how.</summary>
public sealed class AlertsOptions : IValidatableObject
{
    public const string SectionName = "Alerts";

    /// <summary>
    /// Where notices are posted, an absolute http or https address. It is a secret as a rule and appears in no log.
    /// Without it alerts are only logged and shown. Default none.
    /// </summary>
    [DataType(DataType.Password)]
    public string? WebhookUrl { get; set; }

    /// <summary>Form of the notices: <c>Slack</c> (default) or <c>Json</c>.</summary>
    [EnumDataType(typeof(AlertFormat))]
    public AlertFormat Format { get; set; } = AlertFormat.Slack;

    /// <summary>Name of the cluster in notices, for a channel that several share. Default <c>SseApp</c>.</summary>
    [Required, StringLength(100)]
    public string Cluster { get; set; } = "SseApp";

    /// <summary>Address of the page with the runbooks; notices link to the rule's anchor on it. Default none.</summary>
    public Uri? RunbookUrl { get; set; }

    /// <summary>Time between two evaluations of the rules. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan EvaluateEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A gateway raises no alert for what happens so soon after its own start. Default 30 s; 0 to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan StartupGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Least time between two notices that the same alert began. One that returns sooner is reported when this
    /// time is over, if it still lasts. Default 5 min; 0 to 1 day.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MinInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Attempts to deliver one notice, the first included. Default 10; 1 to 100.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>Wait before the second attempt; it doubles with each further one. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait between two attempts, also when the receiver's <c>Retry-After</c> asks for more. Default 2 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Time one attempt may take. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long Redis must be unavailable. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan RedisUnavailableFor { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the archive must be unreachable, or further behind than <c>Archive:MaxLag</c>. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ArchiveFor { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long no replica must be ready. Default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan NoReplicaFor { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>After this a lost replica that was not replaced counts as removed. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan ForgetLostAfter { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Unplanned restarts of one process within <see cref="CrashLoopWindow"/> that make a crash loop. Default 3.</summary>
    [Range(2, 1000)]
    public int CrashLoopRestarts { get; set; } = 3;

    /// <summary>Time within which <see cref="CrashLoopRestarts"/> restarts make a crash loop. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CrashLoopWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Change of the number of streams within <see cref="ConnectionChangeWindow"/>, as a share of what it was. Default 0.5.</summary>
    [Range(0.01, 100.0)]
    public double ConnectionChange { get; set; } = 0.5;

    /// <summary>With fewer streams than this before and after, a change is ignored. Default 100.</summary>
    [Range(1, int.MaxValue)]
    public int ConnectionChangeMinimum { get; set; } = 100;

    /// <summary>Time over which <see cref="ConnectionChange"/> compares. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ConnectionChangeWindow { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the number must stay changed: clients of a lost replica reconnect within seconds. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan ConnectionChangeFor { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Share of refused requests among streams opened and requests refused, within a minute. Default 0.05.</summary>
    [Range(0.0001, 1.0)]
    public double RefusalShare { get; set; } = 0.05;

    /// <summary>Fewer refusals than this within a minute are ignored. Default 20.</summary>
    [Range(1, int.MaxValue)]
    public int RefusalMinimum { get; set; } = 20;

    /// <summary>How long work that is ready to run may wait for a thread. Default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan SchedulingDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Highest acceptable 99th percentile of a replica's delivery latency. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan DeliveryP99 { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a replica must be over one of the last two limits. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan SlowFor { get; set; } = TimeSpan.FromSeconds(10);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        // The value itself stays out of the message: it may be a misspelt secret.
        if (!string.IsNullOrEmpty(WebhookUrl)
            && !(Uri.TryCreate(WebhookUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(WebhookUrl)} must be an absolute http or https address.", [nameof(WebhookUrl)]);
        }

        if (RunbookUrl is { } runbook && !(runbook.IsAbsoluteUri && runbook.Scheme is "http" or "https"))
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(RunbookUrl)} is '{runbook}'; it must be an absolute http or https address.", [nameof(RunbookUrl)]);
        }
    }
}

/// <summary>What is posted to the webhook.</summary>
public enum AlertFormat
{
    /// <summary>A message for Slack's incoming webhooks and what understands them (Mattermost, Rocket.Chat, Discord with <c>/slack</c>).</summary>
    Slack,

    /// <summary>The alert as plain JSON, for a program.</summary>
    Json,
}
