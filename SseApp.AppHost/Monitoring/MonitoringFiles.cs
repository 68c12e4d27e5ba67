using System.Text.Json;
using SseApp.AppHost.Startup;

namespace SseApp.AppHost.Monitoring;

/// <summary>What Prometheus of the local cluster reads: its configuration, and the addresses, which are known later and change.</summary>
internal sealed class MonitoringFiles
{
    public const string Replicas = "replicas.json";
    public const string Gateways = "gateways.json";
    public const string Alertmanagers = "alertmanagers.json";

    public const string Configuration = "prometheus.yml";

    /// <param name="directory">Where they are written.</param>
    public MonitoringFiles(string directory) => Directory = directory;

    public string Directory { get; }

    /// <summary>Takes the folder for this run, and writes the configuration into it.</summary>
    /// <param name="builder">Gets a problem when another cluster has the folder: two servers would write into one database.</param>
    /// <param name="rules">Folder of the rules, as Prometheus sees it.</param>
    /// <param name="keyFile">File with the key of operators, as Prometheus sees it.</param>
    /// <param name="interval">Time between two scrapes.</param>
    public void Write(IDistributedApplicationBuilder builder, string rules, string keyFile, TimeSpan interval)
    {
        var setting = $"{MonitoringOptions.SectionName}:{nameof(MonitoringOptions.DataDirectory)} is '{Directory}'";
        try
        {
            System.IO.Directory.CreateDirectory(Directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            StartupProblems.Of(builder).Add($"{setting}, which is no folder and cannot be made one ({exception.Message}); allowed: a folder that the AppHost may write.");
            return;
        }

        try
        {
            builder.Services.AddSingleton(File.Open(Path.Combine(Directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            StartupProblems.Of(builder).Add($"{setting}, where another cluster keeps what it measured; allowed: a folder for each cluster that runs.");
            return;
        }
        catch (UnauthorizedAccessException exception)
        {
            StartupProblems.Of(builder).Add($"{setting}, which the AppHost may not write ({exception.Message}); allowed: a folder that it may write.");
            return;
        }

        foreach (var file in (string[])[Replicas, Gateways, Alertmanagers])
        {
            // What a run before this one left would be scraped until the new addresses are known.
            Replace(file, []);
        }

        // YAML reads a string of JSON as it is.
        File.WriteAllText(Path.Combine(Directory, Configuration), string.Create(CultureInfo.InvariantCulture, $$"""
            # Made anew at each start of the AppHost; deploy/monitoring/prometheus.yml is the one to copy from.
            global: { scrape_interval: {{interval.TotalMilliseconds:0}}ms, evaluation_interval: {{interval.TotalMilliseconds:0}}ms }
            rule_files: [{{JsonSerializer.Serialize($"{rules}/recording.yml")}}, {{JsonSerializer.Serialize($"{rules}/alerts.yml")}}]
            alerting: { alertmanagers: [{ file_sd_configs: [{ files: [{{Alertmanagers}}] }] }] }
            scrape_configs:
              - job_name: sse-gateway
                authorization: { credentials_file: {{JsonSerializer.Serialize(keyFile)}} }
                file_sd_configs: [{ files: [{{Gateways}}] }]
              - job_name: sse-replica
                authorization: { credentials_file: {{JsonSerializer.Serialize(keyFile)}} }
                file_sd_configs: [{ files: [{{Replicas}}] }]

            """));
    }

    /// <summary>Names the targets of one of the files; Prometheus sees it at once.</summary>
    /// <param name="file">One of the constants above.</param>
    /// <param name="targets">Address, and the name that it has as <c>instance</c>; null: its address.</param>
    public void Replace(string file, IEnumerable<KeyValuePair<string, string?>> targets)
    {
        var path = Path.Combine(Directory, file);
        var groups = targets.Select(target => new
        {
            targets = new[] { target.Key },
            labels = target.Value is { } name ? new Dictionary<string, string>(StringComparer.Ordinal) { ["instance"] = name } : [],
        });
        File.WriteAllText($"{path}.new", JsonSerializer.Serialize(groups));
        // Never half of it.
        File.Move($"{path}.new", path, overwrite: true);
    }
}
