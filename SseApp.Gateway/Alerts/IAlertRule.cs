namespace SseApp.Gateway.Alerts;

/// <summary>Finds one kind of trouble. Rules remember what they need between two calls; they are called one at a time.</summary>
internal interface IAlertRule
{
    IEnumerable<AlertCondition> Evaluate(ClusterSnapshot snapshot);
}
