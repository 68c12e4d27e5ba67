using System.Text.Json.Serialization;

namespace SseApp.Gateway.Alerts;

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
