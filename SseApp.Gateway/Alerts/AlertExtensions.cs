using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.Gateway.Alerts.Rules;
using SseApp.Gateway.Refusals;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Gateway.Alerts;

internal static class AlertExtensions
{
    /// <summary>Adds the alerts: rules, the book that all gateways share in Redis, and the webhook.</summary>
    public static void AddAlerts(this IServiceCollection services)
    {
        services.AddValidatedOptions<AlertsOptions>(AlertsOptions.SectionName);
        services.AddSingleton<IAlertRule, ReplicaLostRule>();
        services.AddSingleton<IAlertRule, CrashLoopRule>();
        services.AddSingleton<IAlertRule, RedisUnavailableRule>();
        services.AddSingleton<IAlertRule, NoReadyReplicaRule>();
        services.AddSingleton<IAlertRule, ConnectionChangeRule>();
        services.AddSingleton<IAlertRule, RefusalRule>();
        services.AddSingleton<IAlertRule, SlowReplicaRule>();
        services.TryAddSingleton<IAlertStore, RedisAlertStore>();
        services.AddSingleton<RefusalTotal>();
        services.AddSingleton<AlertPayload>();
        services.AddSingleton<AlertSender>();
        services.AddSingleton<AlertEngine>();
        services.AddHostedService<AlertService>();
        services.AddAlertClients();
    }
}
