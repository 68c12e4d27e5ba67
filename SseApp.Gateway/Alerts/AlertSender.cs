using System.Net.Http.Headers;
using Polly.Timeout;

namespace SseApp.Gateway.Alerts;

/// <summary>Posts notices to the webhook. Its address is a secret: it appears in no log, trace or answer.</summary>
internal sealed partial class AlertSender(
    IHttpClientFactory clients, AlertPayload payload, IOptions<AlertsOptions> options, ILogger<AlertSender> logger)
{
    /// <summary>Client that makes several attempts, and client that makes one.</summary>
    public const string ClientName = "alerts";
    public const string TestClientName = "alerts-test";

    /// <summary>Reports every beginning and end in the log, and posts it if there is a webhook.</summary>
    /// <returns>When the notice was delivered, or all attempts at the webhook failed; never fails but by cancellation.</returns>
    public async Task SendAsync(AlertNotice notice, CancellationToken cancellationToken)
    {
        Log(notice);
        if (string.IsNullOrEmpty(options.Value.WebhookUrl))
        {
            return;
        }

        if (await PostAsync(ClientName, notice, cancellationToken) is { } failure)
        {
            LogNotDelivered(notice.Alert.Key, options.Value.MaxAttempts, failure);
        }
    }

    /// <summary>Posts a test notice, once.</summary>
    /// <returns>Null when the webhook took it, else why not.</returns>
    public Task<string?> TestAsync(AlertNotice notice, CancellationToken cancellationToken) => PostAsync(TestClientName, notice, cancellationToken);

    private async Task<string?> PostAsync(string clientName, AlertNotice notice, CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(clientName);
        using var request = new HttpRequestMessage(HttpMethod.Post, options.Value.WebhookUrl);
        request.Content = new ByteArrayContent(payload.Create(notice));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        request.Options.Set(RequestTracing.Untraced, true);
        try
        {
            using var response = await client.SendAsync(request, cancellationToken);
            return response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}";
        }
        catch (HttpRequestException exception)
        {
            return exception.Message;
        }
        catch (TimeoutRejectedException)
        {
            return $"it did not answer within {options.Value.Timeout.TotalSeconds:0.#} s";
        }
    }

    private void Log(AlertNotice notice)
    {
        var text = AlertPayload.Text(notice);
        switch (notice)
        {
            case { State: AlertState.Resolved, Alert: { EndedAt: { } ended, Since: var since } }:
                LogResolved(notice.Alert.Key, text, (ended - since).TotalSeconds);
                break;
            case { Alert.Severity: AlertSeverity.Critical }:
                LogCritical(notice.Alert.Key, text);
                break;
            default:
                LogWarning(notice.Alert.Key, text);
                break;
        }
    }

    [LoggerMessage(LogLevel.Error, "Alert {Key}: {Summary}")]
    private partial void LogCritical(string key, string summary);

    [LoggerMessage(LogLevel.Warning, "Alert {Key}: {Summary}")]
    private partial void LogWarning(string key, string summary);

    [LoggerMessage(LogLevel.Information, "Alert {Key} is over after {Seconds:0.0} s: {Summary}")]
    private partial void LogResolved(string key, string summary, double seconds);

    [LoggerMessage(LogLevel.Error, "The notice of alert {Key} was not delivered to the webhook in {Attempts} attempts: {Reason}. Check Alerts:WebhookUrl with POST /admin/alerts/test.")]
    private partial void LogNotDelivered(string key, int attempts, string reason);
}
