using System.Reflection;
using System.Text.RegularExpressions;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Docs;

/// <summary>Rules, their tests and configurations for Prometheus and Alertmanager, checked by the programs that read them.</summary>
public sealed partial class MonitoringFilesTests
{
    private const string Folder = "deploy/monitoring";

    private static readonly string[] s_own = [.. typeof(MetricNames).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (string)field.GetRawConstantValue()!).Where(name => name != MetricNames.Meter)];

    [Fact]
    public async Task Every_rule_is_right_and_every_alert_begins_and_ends()
    {
        await RunAsync("promtool", "prometheus", ["check", "rules", .. Rules()]);
        await RunAsync("promtool", "prometheus", ["test", "rules", .. Files("*.test.yml")]);
    }

    [Fact]
    public async Task Every_configuration_is_right()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(DocsFolder.Root(), Folder), "prometheus*.yml"))
        {
            // Debian's promtool is built without Kubernetes.
            var text = (await DocsFolder.ReadAsync(file)).Replace("kubernetes_sd_configs: [{ role: pod }]", "static_configs: []", StringComparison.Ordinal);
            var copy = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            await File.WriteAllTextAsync(copy, text, TestContext.Current.CancellationToken);
            try
            {
                await RunAsync("promtool", "prometheus", ["check", "config", "--syntax-only", copy]);
            }
            finally
            {
                File.Delete(copy);
            }
        }

        await RunAsync("amtool", "prometheus-alertmanager", ["check-config", Path.Combine(DocsFolder.Root(), Folder, "alertmanager.yml")]);
    }

    [Fact]
    public async Task Every_alert_has_a_test_of_its_beginning_and_its_end_and_a_runbook()
    {
        var alerts = Alert().Matches(await DocsFolder.ReadAsync($"{Folder}/rules/alerts.yml")).Select(match => match.Groups["name"].Value).ToArray();
        var tests = string.Concat(await Task.WhenAll(Files("*.test.yml").Select(DocsFolder.ReadAsync)));
        var page = await DocsFolder.ReadAsync("docs/monitoring.md");

        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert =>
        {
            Assert.Matches($@"alertname: {alert}\n +exp_alerts:\n +- exp_labels", tests);
            Assert.Matches($@"exp_labels[^\n]*\n +exp_annotations:\n[^\n]*\n +runbook: docs/monitoring.md#{alert.ToLowerInvariant()}\n +- eval_time: \w+\n +alertname: {alert}\n +exp_alerts: \[\]", tests);
            Assert.Contains($"\n### {alert}\n", page, StringComparison.Ordinal);
        });
    }

    /// <summary>A query with a name that there is not is right, and answers nothing: a panel is empty, an alert silent.</summary>
    [Fact]
    public async Task Rules_and_the_board_use_metrics_that_there_are_and_the_page_has_all_of_ours()
    {
        var rules = string.Concat(await Task.WhenAll(Rules().Select(DocsFolder.ReadAsync)));
        var queries = rules + await DocsFolder.ReadAsync(Board.File);
        var page = await DocsFolder.ReadAsync("docs/monitoring.md");

        Assert.Empty(Names(Own(), queries).Except([.. s_own, .. s_own.Select(name => $"{name}_bucket")], StringComparer.Ordinal));
        var recorded = Record().Matches(rules).Select(match => match.Groups["name"].Value);
        Assert.Empty(Names(Recorded(), queries + page).Except(recorded, StringComparer.Ordinal));
        Assert.Equal(s_own.Order(StringComparer.Ordinal), Row().Matches(page).Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Names(Regex regex, string text) => regex.Matches(text).Select(match => match.Value).Distinct(StringComparer.Ordinal);

    private static string[] Rules() => [.. Files("*.yml").Except(Files("*.test.yml"), StringComparer.Ordinal)];

    private static string[] Files(string pattern) => Directory.GetFiles(Path.Combine(DocsFolder.Root(), Folder, "rules"), pattern);

    internal static async Task RunAsync(string program, string package, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed (apt-get install {package}).");
            return;
        }

        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}:\n{await output}{errors}");
        }
    }

    [GeneratedRegex(@"- alert: (?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Alert();

    [GeneratedRegex(@"\b(sse|process)_\w+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Own();

    [GeneratedRegex(@"- record: (?<name>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Record();

    [GeneratedRegex(@"\bsse:\w+:\w+\b(?!…)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Recorded();

    [GeneratedRegex(@"^\| `(?<name>(sse|process)_\w+)` \| (gauge|counter|histogram) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Row();
}
