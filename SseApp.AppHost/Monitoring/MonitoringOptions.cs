namespace SseApp.AppHost.Monitoring;

/// <summary>Section <c>Monitoring</c>: Prometheus, Alertmanager and Grafana beside the local cluster.</summary>
internal sealed class MonitoringOptions
{
    public const string SectionName = "Monitoring";

    /// <summary>
    /// Adds them: the programs <c>prometheus</c> and <c>prometheus-alertmanager</c> where they are installed, containers where a container
    /// runtime answers. A published cluster gets containers. Default false.
    /// </summary>
    public bool Enabled { get; set; }

    /// <summary>Folder of their configuration and of what they measured; a relative path begins at the AppHost's folder. Default <c>../artifacts/monitoring</c>.</summary>
    [StringLength(4096, MinimumLength = 1), System.ComponentModel.Description("the path of a folder")]
    public string DataDirectory { get; set; } = "../artifacts/monitoring";

    /// <summary>How often Prometheus reads the metrics of each process. 1 s to 1 min; default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan ScrapeInterval { get; set; } = TimeSpan.FromSeconds(1);
}
