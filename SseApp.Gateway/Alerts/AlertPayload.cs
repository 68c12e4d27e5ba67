using System.Text.Json;
using Microsoft.Extensions.Options;

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
