using SseApp.Gateway.Alerts;
using SseApp.Gateway.Alerts.Rules;

namespace SseApp.Tests.Gateway.Alerts;

/// <summary>What the rules find in a cluster that is told second by second.</summary>
public sealed class AlertRuleTests
{
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly IOptions<AlertsOptions> s_options = Options.Create(new AlertsOptions());

    private readonly List<ReplicaRecord> _replicas = [Replica("r1"), Replica("r2")];
    private readonly HashSet<string> _left = [];
    private readonly List<RestartRecord> _restarts = [];
    private readonly List<Alert> _known = [];
    private TimeSpan _uptime = TimeSpan.FromMinutes(10);
    private bool _unsettled;
    private bool _starting;
    private long _refused;
    private long _forged;
    private int _failing;

    [Fact]
    public void A_replica_that_vanishes_is_lost_until_its_id_or_address_is_ready_again()
    {
        var rule = LostRule();
        Assert.Empty(Evaluate(rule));

        Remove("r1");
        Assert.Equal(["replica-lost:r1"], Evaluate(rule));
        _replicas.Add(Replica("r1", ReplicaState.Starting));
        Assert.Equal(["replica-lost:r1"], Evaluate(rule));
        Change("r1", replica => replica with { State = ReplicaState.Ready });
        Assert.Empty(Evaluate(rule));

        Remove("r2");
        Assert.Equal(["replica-lost:r2"], Evaluate(rule));
        _replicas.Add(Replica("another") with { Address = Replica("r2").Address });
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void A_new_replica_replaces_one_lost_one_and_no_more()
    {
        var rule = LostRule();
        Evaluate(rule);
        Remove("r1");
        Remove("r2");
        Assert.Equal(["replica-lost:r1", "replica-lost:r2"], Evaluate(rule));

        _replicas.Add(Replica("r3", ReplicaState.Starting));
        Assert.Equal(2, Evaluate(rule).Length);
        Change("r3", replica => replica with { State = ReplicaState.Ready });
        Assert.Single(Evaluate(rule));
        Assert.Single(Evaluate(rule));
    }

    [Fact]
    public void A_planned_end_is_no_loss()
    {
        var rule = LostRule();
        Change("r1", replica => replica with { State = ReplicaState.Draining });
        Evaluate(rule);

        Remove("r1");
        _left.Add("r2");
        Remove("r2");

        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void Nobody_is_lost_while_the_registry_is_unreachable_nor_before_everybody_had_time_to_register()
    {
        var rule = LostRule();
        Evaluate(rule);
        _unsettled = true;
        _replicas.Clear();
        Assert.Empty(Evaluate(rule));

        _replicas.Add(Replica("r1"));
        _unsettled = false;

        Assert.Equal(["replica-lost:r2"], Evaluate(rule));
    }

    [Fact]
    public void A_lost_replica_that_nobody_replaces_is_forgotten_in_the_end()
    {
        var rule = LostRule();
        Evaluate(rule);
        Remove("r1");
        Evaluate(rule);

        _uptime += s_options.Value.ForgetLostAfter;

        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void A_gateway_that_starts_goes_on_with_the_losses_that_its_predecessor_reported()
    {
        var rule = LostRule();
        _starting = true;
        _known.Add(new Alert
        {
            Key = "replica-lost:r9",
            Rule = ReplicaLostRule.Name,
            Summary = "",
            Recovery = "",
            Since = s_start + _uptime,
            Labels = new Dictionary<string, string> { ["replica"] = "r9", ["address"] = "http://127.0.0.1:9/" },
        });
        Evaluate(rule);

        // Gone while it starts: perhaps it was only seen from a registry that was about to forget it.
        Remove("r1");
        Evaluate(rule);
        _starting = false;

        Assert.Equal(["replica-lost:r9"], Evaluate(rule));
    }

    [Fact]
    public void No_ready_replica_is_reported_when_all_fail_their_checks_but_not_of_an_outage_of_Redis_which_is_reported_already()
    {
        var rule = new NoReadyReplicaRule(s_options);
        _failing = 1;
        _uptime += s_options.Value.NoReplicaFor;
        Assert.Empty(Evaluate(rule));

        (_failing, _unsettled) = (2, true);
        Assert.Empty(Evaluate(rule));
        _uptime += s_options.Value.NoReplicaFor;
        Assert.Empty(Evaluate(rule));

        _unsettled = false;
        Assert.Empty(Evaluate(rule));
        _uptime += s_options.Value.NoReplicaFor;
        Assert.Equal(["no-ready-replica"], Evaluate(rule));
    }

    [Fact]
    public void Restarts_that_nobody_planned_make_a_crash_loop_until_the_window_is_over()
    {
        var rule = new CrashLoopRule(s_options);
        for (var i = 0; i <= 2; i++)
        {
            Assert.Empty(Evaluate(rule));
            Restart("r1", i + 1);
        }

        Assert.Equal(["crash-loop:r1"], Evaluate(rule));
        _uptime += s_options.Value.CrashLoopWindow;
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void Rolling_reloads_are_no_crash_loop()
    {
        var rule = new CrashLoopRule(s_options);
        for (var i = 0; i < 10; i++)
        {
            Change("r1", replica => replica with { State = ReplicaState.Draining });
            Evaluate(rule);
            Restart("r1", i + 1);
            Assert.Empty(Evaluate(rule));
        }
    }

    [Fact]
    public void A_supervisor_that_gives_up_is_reported_at_once_and_until_it_starts_the_process_again()
    {
        var rule = new CrashLoopRule(s_options);
        _restarts.Insert(0, new RestartRecord { Id = "gateway-1", At = s_start, ExitCode = 134, GaveUp = true });

        var condition = Assert.Single(rule.Evaluate(Snapshot()));
        Assert.Equal("crash-loop:gateway-1", condition.Key);
        Assert.Contains("exit code 134", condition.Summary, StringComparison.Ordinal);

        _restarts.Insert(0, new RestartRecord { Id = "gateway-1", At = s_start, Crash = false });
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void Crashes_before_a_person_started_it_again_do_not_keep_the_alert_and_those_after_it_begin_a_new_one()
    {
        var rule = new CrashLoopRule(s_options);
        for (var i = 0; i < 5; i++)
        {
            // As the AppHost has it: the registry shows each start, the ledger each end.
            Evaluate(rule);
            Restart("r1", i + 1);
            _restarts.Insert(0, new RestartRecord { Id = "r1", At = s_start + _uptime, ExitCode = 1, GaveUp = i == 4 });
        }

        Assert.Equal(["crash-loop:r1"], Evaluate(rule));
        _uptime += TimeSpan.FromSeconds(1);
        _restarts.Insert(0, new RestartRecord { Id = "r1", At = s_start + _uptime, Crash = false });
        Restart("r1", 100);
        Assert.Empty(Evaluate(rule));

        for (var i = 0; i < 3; i++)
        {
            _uptime += TimeSpan.FromSeconds(1);
            _restarts.Insert(0, new RestartRecord { Id = "r1", At = s_start + _uptime, ExitCode = 1 });
        }

        Assert.Equal(["crash-loop:r1"], Evaluate(rule));
    }

    [Fact]
    public void Crashes_in_the_ledger_count_and_restarts_that_were_meant_do_not()
    {
        var rule = new CrashLoopRule(s_options);
        for (var i = 0; i < 5; i++)
        {
            _restarts.Add(new RestartRecord { Id = "r1", At = s_start + _uptime, ExitCode = 87, Crash = false });
        }

        Assert.Empty(Evaluate(rule));
        for (var i = 0; i < 3; i++)
        {
            _restarts.Add(new RestartRecord { Id = "r1", At = s_start + _uptime, ExitCode = 1 });
        }

        Assert.Equal(["crash-loop:r1"], Evaluate(rule));
    }

    [Theory]
    [InlineData(1000, 1600, "connection-change:up")]
    [InlineData(1000, 400, "connection-change:down")]
    [InlineData(0, 150, "connection-change:up")]
    [InlineData(1000, 1400, null)]
    [InlineData(1000, 600, null)]
    [InlineData(10, 90, null)]
    public void A_change_of_streams_is_reported_when_it_is_large_and_lasts(int before, int after, string? expected)
    {
        var rule = new ConnectionChangeRule(s_options);
        _replicas.RemoveAt(1);
        Change("r1", replica => replica with { Connections = before });
        for (var second = 0; second < 30; second++)
        {
            Assert.Empty(Evaluate(rule));
        }

        Change("r1", replica => replica with { Connections = after });
        Assert.Empty(Evaluate(rule));
        string[] found = [];
        for (var second = 0; second < 15; second++)
        {
            found = Evaluate(rule);
        }

        Assert.Equal(expected is null ? [] : [expected], found);

        // A minute later that is how it is.
        for (var second = 0; second < 60; second++)
        {
            found = Evaluate(rule);
        }

        Assert.Empty(found);
    }

    [Fact]
    public void Refusals_are_reported_when_they_are_many_and_a_large_share()
    {
        var rule = new RefusalRule(s_options);
        Evaluate(rule);
        Change("r1", replica => replica with { Opened = 1000, Refused = 30 });
        Assert.Empty(Evaluate(rule));

        _refused = 30;
        Assert.Equal(["refusals"], Evaluate(rule));

        _uptime += TimeSpan.FromMinutes(2);
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void Refusals_of_an_outage_of_Redis_are_not_reported_as_well()
    {
        var rule = new RefusalRule(s_options);
        Evaluate(rule);
        _unsettled = true;
        _refused = 1000;
        Assert.Empty(Evaluate(rule));
        Change("r1", replica => replica with { Refused = 1000 });
        Assert.Empty(Evaluate(rule));

        _unsettled = false;
        Assert.Empty(Evaluate(rule));
        _refused += 30;
        Assert.Equal(["refusals"], Evaluate(rule));
    }

    [Fact]
    public void A_replica_that_starts_again_does_not_count_its_old_refusals_twice_nor_negatively()
    {
        var rule = new RefusalRule(s_options);
        Change("r1", replica => replica with { Refused = 1_000_000 });
        Assert.Empty(Evaluate(rule));
        Restart("r1", 1);
        Change("r1", replica => replica with { Refused = 10 });
        Assert.Empty(Evaluate(rule));
        Change("r1", replica => replica with { Refused = 25 });
        Assert.Equal(["refusals"], Evaluate(rule));
    }

    [Fact]
    public void A_replica_that_is_slow_for_a_while_is_reported_with_what_is_slow()
    {
        var rule = new SlowReplicaRule(s_options);
        Change("r1", replica => replica with { SchedulingDelayMs = 800 });
        Change("r2", replica => replica with { DeliveryP99Ms = 1500 });
        Assert.Empty(Evaluate(rule));

        _uptime += s_options.Value.SlowFor;
        Assert.Equal(["scheduling-delay:r1", "delivery-latency:r2"], Evaluate(rule));

        Change("r1", replica => replica with { SchedulingDelayMs = 3 });
        Change("r2", replica => replica with { DeliveryP99Ms = null });
        Assert.Empty(Evaluate(rule));
        Change("r1", replica => replica with { SchedulingDelayMs = 800 });
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void A_redis_that_fills_up_is_reported_before_publishes_are_refused_and_then_again()
    {
        var rule = new RedisMemoryRule();
        Assert.Empty(rule.Evaluate(Snapshot()));
        var filling = Snapshot() with { RedisMemory = new RedisMemoryReading(80 << 20, 100 << 20, null, IsGarnet: true), RedisIsFilling = true };
        var warning = Assert.Single(rule.Evaluate(filling));
        Assert.Equal(("redis-memory:filling", AlertSeverity.Warning), (warning.Key, warning.Severity));
        Assert.Contains("80 % full (80 of 100 MiB). Raise Backplane:GarnetMemoryMiB", warning.Summary, StringComparison.Ordinal);
        Assert.Equal(AlertSeverity.Critical, rule.Evaluate(filling with { RedisIsFull = true }).Last().Severity);
    }

    [Fact]
    public void A_process_that_hung_is_reported_until_it_answers_again_but_at_least_until_a_gateway_that_hung_itself_may_report()
    {
        var rule = new HungProcessRule(s_options);
        Report("gateway-1", RestartStage.Hung);
        Assert.Equal(["hung-process:gateway-1"], Evaluate(rule));

        Report("gateway-1", RestartStage.Recovered);
        Assert.Equal(["hung-process:gateway-1"], Evaluate(rule));
        _uptime += s_options.Value.StartupGrace + TimeSpan.FromSeconds(5);
        Assert.Empty(Evaluate(rule));

        // One that nobody says any more of.
        Report("gateway-1", RestartStage.Hung);
        _uptime += TimeSpan.FromMinutes(30);
        Assert.Equal(["hung-process:gateway-1"], Evaluate(rule));
        _uptime += TimeSpan.FromMinutes(30);
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void A_replica_that_hung_is_reported_once_whichever_rule_finds_it_first()
    {
        var (hung, lost) = (new HungProcessRule(s_options), LostRule());
        Evaluate(lost);

        // Frozen: its heartbeat is missing long before its supervisor ends it.
        Remove("r1");
        Assert.Equal(["replica-lost:r1"], Evaluate(lost));
        _known.Add(new Alert { Key = "replica-lost:r1", Rule = ReplicaLostRule.Name, Summary = "", Recovery = "" });
        Report("r1", RestartStage.Hung);
        Assert.Empty(Evaluate(hung));
        _known.Clear();
        Assert.Empty(Evaluate(hung));

        // It beats but does not answer: it is gone when its supervisor ends it.
        Report("r2", RestartStage.Hung);
        Assert.Equal(["hung-process:r2"], Evaluate(hung));
        Remove("r2");
        Assert.Equal(["replica-lost:r1"], Evaluate(lost));
    }

    [Fact]
    public void A_restart_that_did_not_help_is_reported_until_it_answers_or_a_person_restarts_it()
    {
        var rule = new HungProcessRule(s_options);
        foreach (var end in new RestartStage?[] { RestartStage.Recovered, null })
        {
            Report("r1", RestartStage.Slow);
            Assert.Empty(Evaluate(rule));
            Report("r1", RestartStage.NeedsPerson);
            Assert.Equal(["restart-failed:r1"], Evaluate(rule));

            Report("r1", end);
            Assert.Empty(Evaluate(rule));
        }
    }

    [Fact]
    public void A_process_that_hangs_again_and_again_is_a_crash_loop_with_that_reason()
    {
        var rule = new CrashLoopRule(s_options);
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty(Evaluate(rule));
            Report("r1", RestartStage.Hung, "hung: no answer");
            Report("r1", RestartStage.Recovered, "answers again");
        }

        Assert.Contains("hung: no answer", Assert.Single(rule.Evaluate(Snapshot())).Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_forged_is_reported_until_there_was_nothing_for_a_minute_whoever_found_it()
    {
        var rule = new ForgedRecordRule();
        Change("r1", replica => replica with { Forged = 5 });
        Assert.Empty(Evaluate(rule));

        Change("r1", replica => replica with { Forged = 6 });
        Assert.Equal(["forged-record"], Evaluate(rule));
        _uptime += TimeSpan.FromMinutes(1);
        Assert.Empty(Evaluate(rule));

        _forged++;
        Assert.Equal(["forged-record"], Evaluate(rule));
        _uptime += TimeSpan.FromMinutes(1);
        Restart("r1", 1);
        Assert.Empty(Evaluate(rule));
        Change("r1", replica => replica with { Forged = 1 });
        Assert.Equal(["forged-record"], Evaluate(rule));
    }

    [Fact]
    public void An_archive_that_cannot_be_written_is_reported_after_a_while_with_the_reason_and_not_as_behind_as_well()
    {
        var rule = new ArchiveRule(s_options);
        Assert.Empty(Evaluate(rule));
        var down = new ArchiveReport("PostgreSQL has no room.", Behind: true, LagSeconds: 90, LagEvents: 7, Lost: 0);
        Change("r1", replica => replica with { Archive = down });
        Change("r2", replica => replica with { Archive = down with { Reason = null, Behind = false, LagEvents = 1 } });
        Assert.Empty(Evaluate(rule));

        _uptime += s_options.Value.ArchiveFor;
        var found = Assert.Single(rule.Evaluate(Snapshot()));
        Assert.Equal(("archive-unavailable", AlertSeverity.Warning), (found.Key, found.Severity));
        Assert.Contains("PostgreSQL has no room.", found.Summary, StringComparison.Ordinal);
        Assert.Contains("8 wait", found.Summary, StringComparison.Ordinal);

        Change("r1", replica => replica with { Archive = down with { Reason = null } });
        Assert.Empty(Evaluate(rule));
        _uptime += s_options.Value.ArchiveFor;
        Assert.Equal(["archive-behind"], Evaluate(rule));
        Change("r1", replica => replica with { Archive = down with { Reason = null, Behind = false } });
        Assert.Empty(Evaluate(rule));
    }

    [Fact]
    public void Events_that_were_lost_before_they_were_archived_are_reported_for_ten_minutes_and_not_twice()
    {
        var rule = new ArchiveRule(s_options);
        Lost(5);
        Assert.Empty(Evaluate(rule));

        Lost(8);
        Assert.Contains("3 events", Assert.Single(rule.Evaluate(Snapshot())).Summary, StringComparison.Ordinal);
        _uptime += TimeSpan.FromMinutes(10);
        Assert.Empty(Evaluate(rule));

        Restart("r1", 1);
        Lost(0);
        Assert.Empty(Evaluate(rule));
        Lost(2);
        Assert.Equal(["archive-loss"], Evaluate(rule));

        void Lost(long count) => Change("r1", replica => replica with { Archive = new ArchiveReport(null, Behind: false, 0, 0, count) });
    }

    private void Report(string id, RestartStage? stage, string reason = "") => _restarts.Insert(
        0, new RestartRecord { Id = id, At = s_start + _uptime, Crash = stage == RestartStage.Hung, Stage = stage, Reason = reason });

    private static ReplicaLostRule LostRule() => new(s_options);

    private static ReplicaRecord Replica(string id, ReplicaState state = ReplicaState.Ready) => new()
    {
        Id = id,
        Address = new Uri($"http://{id}.test:8080"),
        State = state,
        StartedAt = s_start,
    };

    private void Remove(string id) => _replicas.RemoveAll(replica => replica.Id == id);

    private void Change(string id, Func<ReplicaRecord, ReplicaRecord> change)
    {
        var index = _replicas.FindIndex(replica => replica.Id == id);
        _replicas[index] = change(_replicas[index]);
    }

    private void Restart(string id, int times) =>
        Change(id, _ => Replica(id) with { StartedAt = s_start.AddSeconds(times) });

    // Each evaluation is a second after the last.
    private string[] Evaluate(IAlertRule rule)
    {
        _uptime += TimeSpan.FromSeconds(1);
        return [.. rule.Evaluate(Snapshot()).Select(condition => condition.Key)];
    }

    private ClusterSnapshot Snapshot() => new()
    {
        Uptime = _uptime,
        Now = s_start + _uptime,
        IsStarting = _starting,
        Replicas = [.. _replicas],
        Left = _left,
        RegistryUnsettled = _unsettled,
        Ready = _replicas.Count - _failing,
        Restarts = _restarts,
        Refused = _refused,
        Forged = _forged,
        Known = _known,
    };
}
