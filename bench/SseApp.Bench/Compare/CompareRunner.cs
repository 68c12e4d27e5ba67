using SseApp.Bench.Report;

namespace SseApp.Bench.Compare;

/// <summary>Every scenario against every subject, one after the other, each started afresh.</summary>
internal sealed class CompareRunner(ComparisonOptions options)
{
    // What a proxy of one hop adds, and what many openings cost, is what TLS and HTTP/2 change.
    private static readonly string[] s_overTls = [FanOutScenario.Id, EqualLoadScenario.Id, ProxyScenario.Id, StormScenario.Id];

    private readonly List<Measurement> _results = [];
    private readonly List<Measurement> _all = [];
    private readonly List<string> _remarks = [];

    public static IScenario[] AllScenarios { get; } =
        [new FanOutScenario(), new ManyTopicsScenario(), new IdleScenario(), new EqualLoadScenario(), new ProxyScenario(), new FaultScenario(), new StormScenario()];

    public static string[] AllSubjects { get; } = ["nchan", "nchan-redis", "node", "aspnet", "sseapp", "sseapp-gateway", "sseapp-gateway-http1", "sseapp-nginx", "sseapp-haproxy", KestrelSubject.Id, RedisScriptSubject.Id];

    /// <returns>0; 1 when ours lost, repeated or reordered an event, or could not be measured; 2 when nothing could run.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Preflight.Check(options);
        _remarks.AddRange(Preflight.Warnings(options));
        _remarks.ForEach(remark => AnsiConsole.MarkupLineInterpolated($"[yellow]{remark}[/]"));
        Preflight.Pin(options.GeneratorCore);

        using var certificate = options.Transport == Transport.Plain ? null : new ServerCertificate();
        var workspace = new Workspace(options.Garnet) { Transport = options.Transport, Certificate = certificate };
        var subjects = Installed(workspace);
        if (subjects.Count == 0)
        {
            AnsiConsole.MarkupLine("[red]No subject can run.[/]");
            return 2;
        }

        var scenarios = AllScenarios.Where(scenario => (options.Scenarios.Length == 0 || options.Scenarios.Contains(scenario.Name)) && (options.Transport == Transport.Plain || s_overTls.Contains(scenario.Name))).ToList();
        var failed = false;
        await AnsiConsole.Progress().StartAsync(async bars =>
        {
            var work = (from scenario in scenarios from subject in subjects where Applies(scenario, subject) select (scenario, subject)).ToList();
            var bar = bars.AddTask("comparison", maxValue: work.Count * options.Runs);
            for (var run = 0; run < options.Runs; run++)
            {
                // What a row is compared with is of its own run.
                _all.AddRange(_results);
                _results.Clear();
                foreach (var (scenario, subject) in work)
                {
                    failed |= !await RunAsync(scenario, subject, bar, cancellationToken);
                    bar.Increment(1);
                }
            }

            _all.AddRange(_results);
        });
        subjects.ForEach(subject => subject.Dispose());
        if (options.Add)
        {
            KeptRows.Merge(workspace, _all);
        }

        var report = new MarkdownReport(options, workspace, subjects, AllScenarios, _all, _remarks);
        var folder = Path.GetFullPath(options.Output ?? workspace.Artifacts);
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "RESULTS.md"), report.Create(), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "results.svg"), SvgChart.Create(_all), cancellationToken);
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Written: {folder}/RESULTS.md, {folder}/results.svg");

        var dirty = _all.Where(row => !row.Clean && subjects.Exists(subject => subject.IsOurs && subject.Name == row.Subject)).ToList();
        dirty.ForEach(row => AnsiConsole.MarkupLineInterpolated(
            CultureInfo.InvariantCulture, $"[red]{row.Subject}, {row.Scenario}: {row.Lost} lost, {row.Duplicates} duplicate, {row.Reordered} reordered.[/]"));
        return failed || dirty.Count > 0 ? 1 : 0;
    }

    // Without TLS nginx is compared by its hop alone; what it costs to encrypt a delivery is compared in one topic to all streams, too.
    private bool Applies(IScenario scenario, Subject subject) =>
        scenario.Applies(subject) || (options.Transport != Transport.Plain && scenario is FanOutScenario && subject.OnlyBehindProxy);

    private List<Subject> Installed(Workspace workspace)
    {
        var cores = options.ServerCore < 0 ? null : options.ServerCore.ToString(CultureInfo.InvariantCulture);
        // nchan comes first: its saturation is the measure of a step of the others.
        Subject[] all =
        [
            new NchanSubject(workspace, cores, redis: false),
            new NchanSubject(workspace, cores, redis: true),
            new NodeSubject(workspace, cores),
            new AspNetSubject(workspace, cores),
            new OursSubject(workspace, cores, front: null),
            new OursSubject(workspace, cores, Front.Gateway),
            new OursSubject(workspace, cores, Front.GatewayHttp1),
            new OursSubject(workspace, cores, Front.Nginx),
            new OursSubject(workspace, cores, Front.Haproxy),
            new KestrelSubject(workspace, cores),
            new RedisScriptSubject(workspace, cores),
        ];
        var installed = new List<Subject>();
        foreach (var subject in all.Where(subject => (options.Subjects.Length == 0 || options.Subjects.Contains(subject.Name)) && (options.Transport == Transport.Plain || subject.CanSpeakTls)))
        {
            if (subject.Missing() is { } advice)
            {
                _remarks.Add($"{subject.Name} was left out; to have it: {advice}.");
                AnsiConsole.MarkupLineInterpolated($"[yellow]{_remarks[^1]}[/]");
                subject.Dispose();
            }
            else
            {
                installed.Add(subject);
            }
        }

        return installed;
    }

    private async Task<bool> RunAsync(IScenario scenario, Subject subject, ProgressTask bar, CancellationToken cancellationToken)
    {
        void Report(string text) => bar.Description = Markup.Escape($"{scenario.Name} · {text}");
        var before = _results.Count;
        try
        {
            Report($"{subject.Name}: starting");
            // The generator's loop keeps its thread.
            await Task.Run(() => scenario.RunAsync(subject, new ScenarioContext(options, Report, _results, cancellationToken)), cancellationToken);
            foreach (var row in _results.Skip(before))
            {
                AnsiConsole.MarkupLineInterpolated($"{MarkdownReport.Line(row)}");
            }

            return true;
        }
        catch (BenchException exception)
        {
            // One subject that fails must not cost the figures of the others.
            _remarks.Add($"{scenario.Title}: {subject.Name} could not be measured. {exception.Message}");
            AnsiConsole.MarkupLineInterpolated($"[red]{_remarks[^1]}[/]");
            return !subject.IsOurs;
        }
        finally
        {
            await subject.StopAsync();
        }
    }
}
