namespace SseApp.Gateway.Alerts;

/// <summary>What is posted to the webhook.</summary>
public enum AlertFormat
{
    /// <summary>A message for Slack's incoming webhooks and what understands them (Mattermost, Rocket.Chat, Discord with <c>/slack</c>).</summary>
    Slack,

    /// <summary>The alert as plain JSON, for a program.</summary>
    Json,
}
