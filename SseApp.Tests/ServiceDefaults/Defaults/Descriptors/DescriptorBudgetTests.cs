using Microsoft.AspNetCore.Connections;
using SseApp.ServiceDefaults.Defaults.Descriptors;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.ServiceDefaults.Defaults.Descriptors;

/// <summary>A limit of 1 000 with a reserve of 80: streams up to 920, connections to 944, forwarded requests to 956, probes to 968.</summary>
public sealed class DescriptorBudgetTests : IDisposable
{
    private readonly FakeSource _source = new() { Reading = new DescriptorReading(1_000, 300) };
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly DescriptorBudget _budget;

    public DescriptorBudgetTests() => _budget = new DescriptorBudget(
        _source, Options.Create(new DescriptorOptions { Reserve = 80 }), new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()));

    [Fact]
    public void Streams_stop_before_connections_and_these_before_forwards()
    {
        var streams = Enumerable.Range(0, 620).Select(_ => Connect()).ToList();
        Assert.All(streams, stream => Assert.True(_budget.TryEnterStream(stream)));
        var refused = Connect();
        Assert.False(_budget.TryEnterStream(refused));
        Assert.True(_budget.IsTight);
        Assert.True(_budget.HasRoomForConnection);
        _budget.LeaveStream(streams[0]);
        Assert.True(_budget.TryEnterStream(refused));

        for (var i = 0; i < 23; i++)
        {
            Connect();
        }

        Assert.False(_budget.HasRoomForConnection);
        Assert.Equal(12, Enumerable.Range(0, 100).Count(_ => _budget.TryForward(stream: false)));
    }

    [Fact]
    public void Connections_of_forwards_that_were_closed_may_be_opened_again_at_once()
    {
        Assert.All(Enumerable.Range(0, 30), _ => Assert.True(_budget.TryForward(stream: false)));
        _source.Reading = new DescriptorReading(1_000, 330);
        _budget.Sample();
        Assert.All(Enumerable.Range(0, 30), _ => _budget.EndForward());
        _source.Reading = new DescriptorReading(1_000, 300);
        _budget.Sample();

        Assert.Equal(330, _budget.Open);
    }

    /// <summary>A library that cannot be loaded ends the process, and the budget learns of it only with the next sample.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(1_024)]
    [InlineData(4_096)]
    public void Clients_leave_files_to_what_opens_them_unasked(int limit)
    {
        _source.Reading = new DescriptorReading(limit, 350);
        var budget = new DescriptorBudget(_source, Options.Create(new DescriptorOptions()), new SseMeter(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()));

        // Requests of which half has come: each is accepted as long as the listener may, and forwarded where that is possible.
        while (budget.HasRoomForProbe)
        {
            budget.Accepted(new DefaultConnectionContext());
            budget.TryForward(stream: false);
        }

        Assert.InRange(limit - budget.Open, 31, limit / 8);
    }

    [Fact]
    public void A_stream_that_is_forwarded_by_itself_counts_twice()
    {
        var open = Enumerable.Range(0, 400).Count(_ => _budget.TryEnterStream(Connect()) && _budget.TryForward(stream: true));
        Assert.Equal(310, open);
    }

    [Fact]
    public void What_others_take_is_taken_from_streams()
    {
        _source.Reading = new DescriptorReading(1_000, 915);
        _budget.Sample();
        Assert.Equal(5, Enumerable.Range(0, 100).Count(_ => _budget.TryEnterStream(Connect())));

        // A limit that is lowered while the process runs is the new one.
        _source.Reading = new DescriptorReading(500, 1_015);
        _budget.Sample();
        Assert.False(_budget.HasRoomForProbe);

        _source.Reading = new DescriptorReading(1_000, 400);
        _budget.Sample();
        Assert.True(_budget.TryEnterStream(Connect()));
    }

    [Fact]
    public void Streams_of_one_connection_and_relayed_ones_need_one_descriptor_or_none()
    {
        _source.Reading = new DescriptorReading(1_000, 919);
        _budget.Sample();
        var shared = Connect();
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(_budget.TryEnterStream(shared)));
        Assert.True(_budget.TryEnterStream(new DefaultHttpContext()));
        Assert.False(_budget.TryEnterStream(Connect()));
    }

    [Fact]
    public async Task A_closed_connection_is_free_again()
    {
        await using var connection = new DefaultConnectionContext();
        using var closed = new CancellationTokenSource();
        connection.ConnectionClosed = closed.Token;
        _budget.Accepted(connection);
        Assert.Equal(301, _budget.Open);
        await closed.CancelAsync();
        Assert.Equal(300, _budget.Open);
    }

    public void Dispose() => _services.Dispose();

    private DefaultHttpContext Connect()
    {
        var connection = new DefaultConnectionContext();
        _budget.Accepted(connection);
        return new DefaultHttpContext(new Microsoft.AspNetCore.Http.Features.FeatureCollection(connection.Features));
    }

    private sealed class FakeSource : DescriptorSource
    {
        public DescriptorReading Reading { get; set; }

        public override DescriptorReading? Read() => Reading;
    }
}
