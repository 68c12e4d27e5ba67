namespace SseApp.Gateway.Alerts;

/// <summary>A message for a person, about the beginning or the end of an alert.</summary>
internal sealed record AlertNotice(AlertState State, Alert Alert);
