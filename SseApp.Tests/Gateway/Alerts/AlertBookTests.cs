using SseApp.Gateway.Alerts;

namespace SseApp.Tests.Gateway.Alerts;

/// <summary>The rules by which several gateways notify a person once.</summary>
public sealed class AlertBookTests
{
    private static readonly TimeSpan s_minInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_confirmFor = TimeSpan.FromSeconds(5);

    private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddYears(50);
    private AlertBook _book = new();

    [Fact]
    public void What_two_gateways_find_is_reported_by_one_and_ends_when_neither_finds_it()
    {
        Assert.Equal([AlertState.Firing], Look("a", ["x"]));
        Assert.Empty(Look("b", ["x"]));
        Told("a", AlertState.Firing, "x");

        // One of them no longer finds it; the other does.
        Pass(s_confirmFor * 2, () => Look("b", ["x"]));
        Assert.Empty(Look("a", []));
        Assert.True(Assert.Single(_book.Active).IsFiring);

        _now += s_confirmFor * 2;
        Assert.Equal([AlertState.Resolved], Look("b", []));
        Assert.Empty(Look("a", []));
        Told("b", AlertState.Resolved, "x");

        Assert.Empty(_book.Active);
        Assert.Equal("x", Assert.Single(_book.Recent).Key);
    }

    [Fact]
    public void A_gateway_that_ends_before_it_sent_its_notice_is_stood_in_for()
    {
        Assert.Equal([AlertState.Firing], Look("a", ["x"]));

        Pass(AlertBook.ClaimLimit - TimeSpan.FromSeconds(1), () => Assert.Empty(Look("b", ["x"])));
        _now += TimeSpan.FromSeconds(2);

        Assert.Equal([AlertState.Firing], Look("b", ["x"]));
    }

    [Fact]
    public void A_gateway_that_is_long_about_sending_keeps_its_claim()
    {
        Look("a", ["x"]);

        Pass(AlertBook.ClaimLimit * 3, () =>
        {
            Assert.Empty(Look("a", ["x"], inFlight: ["x"]));
            Assert.Empty(Look("b", ["x"]));
        });
    }

    [Fact]
    public void What_recurs_within_the_minimum_interval_is_reported_when_it_is_over_and_only_if_it_lasts()
    {
        Look("a", ["x"]);
        Told("a", AlertState.Firing, "x");
        End();
        Told("a", AlertState.Resolved, "x");

        // Comes and goes unreported.
        Assert.Empty(Look("a", ["x"]));
        Assert.Empty(End());
        Assert.Empty(_book.Active);
        Assert.Null(_book.Recent[0].ReportedAt);

        // Comes and stays.
        Assert.Empty(Look("a", ["x"]));
        var reported = new List<AlertState>();
        Pass(s_minInterval, () => reported.AddRange(Look("a", ["x"])));
        Assert.Equal([AlertState.Firing], reported);
    }

    [Fact]
    public void An_end_during_the_report_of_the_beginning_is_reported_after_it()
    {
        Look("a", ["x"]);
        var since = _book.Active[0].Since;
        _now += s_confirmFor * 2;
        Assert.Empty(Look("a", [], inFlight: ["x"]));

        Assert.Equal([AlertState.Resolved], Look("a", [], outcomes: [new AlertOutcome("x", AlertState.Firing, since)]));
    }

    [Fact]
    public void What_ends_and_begins_again_during_the_report_of_its_beginning_is_reported_anew()
    {
        Look("a", ["x"]);
        var since = _book.Active[0].Since;
        _now += s_confirmFor * 2;
        Look("a", [], inFlight: ["x"]);
        _now += TimeSpan.FromSeconds(1);
        Look("a", ["x"], inFlight: ["x"]);

        Assert.Equal([AlertState.Resolved], Look("a", ["x"], outcomes: [new AlertOutcome("x", AlertState.Firing, since)]));
        Told("a", AlertState.Resolved, "x");

        // Whoever claims a notice and does not send it loses the claim, so it comes again here.
        var reported = new List<AlertState>();
        Pass(s_minInterval, () => reported.AddRange(Look("a", ["x"])));
        Assert.Equal([AlertState.Firing], reported.Distinct());
    }

    [Fact]
    public void A_gateway_that_has_just_started_begins_and_ends_nothing()
    {
        Look("a", ["x"]);
        Told("a", AlertState.Firing, "x");
        _now += TimeSpan.FromHours(1);

        Assert.Empty(Look("b", ["y"], starting: true));
        Assert.Equal(["x"], _book.Active.Select(alert => alert.Key));
        Assert.Empty(Look("b", ["x"]));
        Assert.True(_book.Active[0].IsFiring);
    }

    [Fact]
    public void What_each_gateway_reported_while_the_book_could_not_be_reached_becomes_one_alert_with_one_end()
    {
        // Redis is unreachable: both have a copy of their own.
        var before = _book;
        Look("a", ["redis-unavailable"]);
        Told("a", AlertState.Firing, "redis-unavailable");
        var ofA = _book;
        _now += TimeSpan.FromSeconds(1);
        _book = before;
        Look("b", ["redis-unavailable"]);
        Told("b", AlertState.Firing, "redis-unavailable");
        var ofB = _book;

        // It is back, empty; a comes first.
        _book = new AlertBook().Merge(ofA);
        Assert.Empty(Look("a", []));
        _book = _book.Merge(ofB);
        Assert.Empty(Look("b", []));
        Assert.Single(_book.Active);

        _now += s_confirmFor * 2;
        Assert.Equal([AlertState.Resolved], Look("a", []));
        Told("a", AlertState.Resolved, "redis-unavailable");

        // One that joins only now brings nothing new.
        _book = _book.Merge(ofB);
        Assert.Empty(Look("b", []));
        Assert.Empty(_book.Active);
        Assert.Single(_book.Recent);
    }

    [Fact]
    public void A_clock_that_is_set_back_holds_up_neither_an_end_nor_a_notice()
    {
        Assert.Equal([AlertState.Firing], Look("a", ["x"]));
        Told("a", AlertState.Firing, "x");

        _now -= TimeSpan.FromHours(1);
        Assert.Empty(Look("a", []));
        Assert.Equal([AlertState.Resolved], End());

        // This gateway ends before it has sent it.
        _now -= TimeSpan.FromHours(1);
        Assert.Equal([AlertState.Resolved], Look("b", []));
        Told("b", AlertState.Resolved, "x");
        Assert.Empty(_book.Active);

        // The last notice was two hours from now.
        Assert.Equal([AlertState.Firing], Look("b", ["x"]));
    }

    private AlertState[] End()
    {
        _now += s_confirmFor * 2;
        return Look("a", []);
    }

    private void Told(string gateway, AlertState state, string key) =>
        Assert.Empty(Look(
            gateway,
            _book.Active.Any(alert => alert.Key == key && alert.IsFiring) ? [key] : [],
            outcomes: [new AlertOutcome(key, state, _book.Active.First(alert => alert.Key == key && alert.IsFiring == (state == AlertState.Firing)).Since)]));

    private AlertState[] Look(string gateway, string[] found, AlertOutcome[]? outcomes = null, string[]? inFlight = null, bool starting = false)
    {
        _book = _book.Apply(
            new AlertView
            {
                Gateway = gateway,
                Now = _now,
                IsStarting = starting,
                Conditions = [.. found.Select(key => new AlertCondition(key, "rule", AlertSeverity.Warning, "It is so.", "It is over.", AlertCondition.NoLabels))],
                Outcomes = outcomes ?? [],
                InFlight = (inFlight ?? []).ToHashSet(),
                ConfirmFor = s_confirmFor,
                MinInterval = s_minInterval,
            },
            out var notices);
        return [.. notices.Select(notice => notice.State)];
    }

    // A look a second, as the service has it.
    private void Pass(TimeSpan time, Action look)
    {
        for (var end = _now + time; _now < end;)
        {
            _now += TimeSpan.FromSeconds(1);
            look();
        }
    }
}
