using Microsoft.Extensions.DependencyInjection.Extensions;
using SseApp.Gateway.Alerts.Rules;

namespace SseApp.Gateway.Alerts;

internal static class AlertExtensions
{
    /// <summary>Adds the alerts: rules, the book that all gateways share in Redis, and the webhook.</summary>
    public static void AddAlerts(this IServiceCollection services)
    {
        services.AddOptions<AlertsOptions>().BindConfiguration(AlertsOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IAlertRule, ReplicaLostRule>();
        services.AddSingleton<IAlertRule, CrashLoopRule>();
        services.AddSingleton<IAlertRule, RedisAwayRule>();
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
