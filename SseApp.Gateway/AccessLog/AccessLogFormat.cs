namespace SseApp.Gateway.AccessLog;

public enum AccessLogFormat
{
    Json,
    W3C,
}
