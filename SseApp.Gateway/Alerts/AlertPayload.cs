using System.Text.Json.Serialization;

namespace SseApp.Gateway.Alerts;

/// <summary>The body of a webhook request.</summary>
internal sealed class AlertPayload(IOptions<AlertsOptions> options)
{
    public byte[] Create(AlertNotice notice) => options.Value.Format == AlertFormat.Json
        ? JsonSerializer.SerializeToUtf8Bytes(Message(notice), AlertJsonContext.Default.AlertMessage)
        : JsonSerializer.SerializeToUtf8Bytes(Slack(notice), AlertJsonContext.Default.SlackMessage);

    /// <summary>What a person reads: the summary of the beginning, or of the end.</summary>
    public static string Text(AlertNotice notice) => notice.State == AlertState.Resolved ? notice.Alert.Recovery : notice.Alert.Summary;

    private AlertMessage Message(AlertNotice notice) => new(
        1,
        options.Value.Cluster,
        Lower(notice.State),
        notice.Alert.Key,
        notice.Alert.Rule,
        Lower(notice.Alert.Severity),
        Text(notice),
        notice.Alert.Labels,
        notice.Alert.Since,
        notice.Alert.EndedAt,
        Runbook(notice));

    private SlackMessage Slack(AlertNotice notice)
    {
        var (mark, color) = notice switch
        {
            { State: AlertState.Resolved } => (":white_check_mark:", "good"),
            { State: AlertState.Test } => (":information_source:", "good"),
            { Alert.Severity: AlertSeverity.Critical } => (":rotating_light:", "danger"),
            _ => (":warning:", "warning"),
        };
        var text = Escape(Text(notice));
        var duration = notice.Alert.EndedAt - notice.Alert.Since;
        var fields = new List<SlackMessage.Field>
        {
            new("Cluster", Escape(options.Value.Cluster)),
            new("Severity", Lower(notice.Alert.Severity)),
            new("Rule", Escape(notice.Alert.Rule)),
            duration is { } lasted ? new("Lasted", $"{lasted:d\\.hh\\:mm\\:ss}") : new("Since", $"{notice.Alert.Since:u}"),
        };
        fields.AddRange(notice.Alert.Labels.Select(label => new SlackMessage.Field(Escape(label.Key), Escape(label.Value))));
        if (Runbook(notice) is { } runbook)
        {
            fields.Add(new("Runbook", runbook.AbsoluteUri, Short: false));
        }

        var at = (notice.Alert.EndedAt ?? notice.Alert.Since).ToUnixTimeSeconds();
        return new SlackMessage($"{mark} *{Lower(notice.State)}* {text}", [new(color, text, fields, at)]);
    }

    private Uri? Runbook(AlertNotice notice) =>
        options.Value.RunbookUrl is { } url ? new UriBuilder(url) { Fragment = notice.Alert.Rule }.Uri : null;

    // The three characters that mean something in Slack's markup.
    private static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}

/// <summary>A notice as generic JSON.</summary>
/// <param name="Version">Of this format: 1.</param>
/// <param name="Cluster">Which cluster.</param>
/// <param name="State"><c>firing</c>, <c>resolved</c> or <c>test</c>.</param>
/// <param name="Key">The same for both notices of an alert, and for each time it returns.</param>
/// <param name="Rule">What kind of trouble; the name of its runbook.</param>
/// <param name="Severity"><c>warning</c> or <c>critical</c>.</param>
/// <param name="Summary">For a person.</param>
/// <param name="Labels">For a program.</param>
/// <param name="Since">When it began.</param>
/// <param name="EndedAt">When it ended; absent while it lasts.</param>
/// <param name="Runbook">Where to read what to do, if configured.</param>
internal sealed record AlertMessage(
    int Version,
    string Cluster,
    string State,
    string Key,
    string Rule,
    string Severity,
    string Summary,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Since,
    DateTimeOffset? EndedAt,
    Uri? Runbook);

/// <summary>A message for an incoming webhook of Slack: <see href="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"/>.</summary>
/// <param name="Text">What notifications show.</param>
/// <param name="Attachments">The coloured box below it.</param>
internal sealed record SlackMessage(string Text, IReadOnlyList<SlackMessage.Attachment> Attachments)
{
    /// <param name="Color"><c>danger</c>, <c>warning</c> or <c>good</c>.</param>
    /// <param name="Fallback">For clients that show no boxes.</param>
    /// <param name="Fields">Two columns of facts.</param>
    /// <param name="Timestamp">Seconds since 1970.</param>
    internal sealed record Attachment(
        string Color, string Fallback, IReadOnlyList<Field> Fields, [property: JsonPropertyName("ts")] long Timestamp);

    internal sealed record Field(string Title, string Value, bool Short = true);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(AlertBook))]
[JsonSerializable(typeof(AlertMessage))]
[JsonSerializable(typeof(SlackMessage))]
internal sealed partial class AlertJsonContext : JsonSerializerContext;
