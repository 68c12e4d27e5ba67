using SseApp.Gateway.Canary;

namespace SseApp.Tests.Gateway.Canary;

public sealed class CanaryLedgerTests
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly CanaryLedger _ledger;

    public CanaryLedgerTests() => _ledger = new CanaryLedger(s_bound, _time);

    [Fact]
    public void An_event_is_received_once_and_in_order_whether_its_publisher_has_the_answer_or_not()
    {
        var first = Publish();
        var second = _ledger.Begin();
        _time.Advance(TimeSpan.FromMilliseconds(5));

        Assert.Equal((CanaryArrival.InOrder, TimeSpan.FromMilliseconds(5)), _ledger.Receive(first));
        Assert.Equal(CanaryArrival.InOrder, _ledger.Receive(second).Arrival);
        _ledger.Stored(second);

        Assert.Equal(0, Pass(seconds: 60));
        Assert.Equal(CanaryArrival.Duplicate, _ledger.Receive(first).Arrival);
        Assert.Equal(CanaryArrival.Duplicate, _ledger.Receive(second).Arrival);
        Assert.Equal(CanaryArrival.Foreign, _ledger.Receive(7).Arrival);
    }

    [Fact]
    public void What_comes_after_a_later_one_is_reordered()
    {
        var (first, second) = (Publish(), Publish());
        Assert.Equal(CanaryArrival.InOrder, _ledger.Receive(second).Arrival);
        Assert.Equal(CanaryArrival.Reordered, _ledger.Receive(first).Arrival);
    }

    [Fact]
    public void What_was_acknowledged_and_does_not_come_is_lost_once_and_no_duplicate_when_it_comes_at_last()
    {
        var number = Publish();
        Assert.Equal(0, Pass(seconds: 9));
        Assert.Equal(1, Pass(seconds: 2));
        Assert.Equal(0, Pass(seconds: 60));
        Assert.Equal(CanaryArrival.TooLate, _ledger.Receive(number).Arrival);
    }

    [Fact]
    public void Nothing_is_lost_while_nothing_can_arrive()
    {
        var number = Publish();
        Pass(seconds: 3);
        Assert.Equal(0, Pass(seconds: 600, live: false));
        Assert.Equal(0, Pass(seconds: 6));
        Assert.Equal(CanaryArrival.InOrder, _ledger.Receive(number).Arrival);
    }

    [Fact]
    public void What_nobody_acknowledged_is_not_lost()
    {
        var number = _ledger.Begin();
        Assert.Equal(0, Pass(seconds: 600));
        Assert.Equal(CanaryArrival.TooLate, _ledger.Receive(number).Arrival);
    }

    [Fact]
    public void What_a_gap_was_reported_for_is_not_lost_as_well()
    {
        var before = Publish();
        _ledger.Gap();
        var after = Publish();
        Assert.Equal(1, Pass(seconds: 11));
        Assert.Equal(CanaryArrival.TooLate, _ledger.Receive(before).Arrival);
        Assert.Equal(CanaryArrival.TooLate, _ledger.Receive(after).Arrival);
    }

    [Fact]
    public void It_stops_publishing_before_the_log_would_have_to_drop_what_was_not_read()
    {
        for (var i = 0; i < CanaryLedger.MaxWaiting; i++)
        {
            Assert.False(_ledger.IsFull);
            Publish();
        }

        Assert.True(_ledger.IsFull);
    }

    private long Publish()
    {
        var number = _ledger.Begin();
        _ledger.Stored(number);
        return number;
    }

    /// <returns>How many events are lost meanwhile.</returns>
    private int Pass(int seconds, bool live = true)
    {
        var lost = 0;
        for (var i = 0; i < seconds; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            lost += _ledger.Tick(live);
        }

        return lost;
    }
}
