using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Alerts;

internal static class AlertClientExtensions
{
    /// <summary>
    /// The webhook's clients. Nothing of them may write the address anywhere, and a redirect, which might carry the notice
    /// elsewhere, is an answer like any other that is not 2xx.
    /// </summary>
    public static void AddAlertClients(this IServiceCollection services)
    {
        services.AddPlainHttpClient(AlertSender.ClientName)
            .AddResilienceHandler("webhook", static (pipeline, context) =>
            {
                var options = context.ServiceProvider.GetRequiredService<IOptions<AlertsOptions>>().Value;
                pipeline.TimeProvider = context.ServiceProvider.GetRequiredService<TimeProvider>();
                if (options.MaxAttempts > 1)
                {
                    pipeline.AddRetry(Retry(options, pipeline.TimeProvider));
                }

                pipeline.AddTimeout(options.Timeout);
            });
        services.AddPlainHttpClient(AlertSender.TestClientName)
            .AddResilienceHandler("webhook-test", static (pipeline, context) =>
                pipeline.AddTimeout(context.ServiceProvider.GetRequiredService<IOptions<AlertsOptions>>().Value.Timeout));
    }

    private static HttpRetryStrategyOptions Retry(AlertsOptions options, TimeProvider time) => new()
    {
        MaxRetryAttempts = options.MaxAttempts - 1,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = options.RetryDelay,
        MaxDelay = options.MaxRetryDelay,
        ShouldRetryAfterHeader = false,
        DelayGenerator = arguments => ValueTask.FromResult(RetryAfter(arguments.Outcome.Result, options, time)),
    };

    // Null leaves it to the backoff.
    private static TimeSpan? RetryAfter(HttpResponseMessage? response, AlertsOptions options, TimeProvider time)
    {
        var asked = response?.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return asked is { } delay ? TimeSpan.FromTicks(Math.Clamp(delay.Ticks, 0, options.MaxRetryDelay.Ticks)) : null;
    }
}
