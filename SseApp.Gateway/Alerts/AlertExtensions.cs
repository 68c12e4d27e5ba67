using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using SseApp.Gateway.Alerts.Rules;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Alerts;

internal static class AlertExtensions
{
    /// <summary>Adds the alerts: rules, the book that all gateways share in Redis, and the webhook.</summary>
    public static void AddAlerts(this IServiceCollection services)
    {
        services.AddValidatedOptions<AlertsOptions>(AlertsOptions.SectionName);
        services.AddSingleton<IAlertRule, ReplicaLostRule>();
        services.AddSingleton<IAlertRule, CrashLoopRule>();
        services.AddSingleton<IAlertRule, HungProcessRule>();
        services.AddSingleton<IAlertRule, RedisUnavailableRule>();
        services.AddSingleton<IAlertRule, RedisMemoryRule>();
        services.AddSingleton<IAlertRule, ArchiveRule>();
        services.AddSingleton<IAlertRule, NoReadyReplicaRule>();
        services.AddSingleton<IAlertRule, ConnectionChangeRule>();
        services.AddSingleton<IAlertRule, RefusalRule>();
        services.AddSingleton<IAlertRule, SlowReplicaRule>();
        services.AddSingleton<IAlertRule, ForgedRecordRule>();
        services.TryAddSingleton<IAlertStore, RedisAlertStore>();
        services.AddSingleton<AlertPayload>();
        services.AddSingleton<AlertSender>();
        services.AddSingleton<AlertEngine>();
        services.AddHostedService<AlertService>();
        services.AddAlertClients();
    }

    /// <summary>
    /// The webhook's clients. Nothing of them may write the address anywhere, and a redirect, which might carry the notice
    /// elsewhere, is an answer like any other that is not 2xx.
    /// </summary>
    private static void AddAlertClients(this IServiceCollection services)
    {
        services.AddPlainHttpClient(AlertSender.ClientName, useProxy: true)
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
        services.AddPlainHttpClient(AlertSender.TestClientName, useProxy: true)
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
