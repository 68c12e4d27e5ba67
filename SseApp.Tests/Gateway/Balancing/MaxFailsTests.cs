using SseApp.Gateway.Health;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary><c>max_fails</c> and <c>fail_timeout</c> with YARP's real health updater on a clock of the test's own.</summary>
public sealed class MaxFailsTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services;
    private readonly DestinationState _failing = Destinations.With("r1", ("max_fails", "3"), ("fail_timeout", "10s"));
    private readonly DestinationState _other = Destinations.With("r2");
    private readonly ClusterState _cluster;
    private readonly MaxFailsHealthPolicy _policy;

    public MaxFailsTests()
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_time);
        services.AddLogging(logging => logging.ClearProviders());
        services.AddReverseProxy();
        services.AddSingleton<IAvailableDestinationsPolicy, PrimaryThenBackupPolicy>();
        _services = services.BuildServiceProvider();
        _cluster = Destinations.Cluster(
            new ClusterConfig
            {
                ClusterId = "shop",
                HealthCheck = new HealthCheckConfig
                {
                    AvailableDestinationsPolicy = PrimaryThenBackupPolicy.PolicyName,
                    Passive = new PassiveHealthCheckConfig { Enabled = true },
                },
            },
            _failing,
            _other);
        _policy = new MaxFailsHealthPolicy(
            _services.GetRequiredService<IDestinationHealthUpdater>(), Options.Create(new ReplicaHealthOptions()), _time, NullLogger<MaxFailsHealthPolicy>.Instance);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    [Fact]
    public async Task It_is_taken_out_at_max_fails_within_fail_timeout_and_tried_again_after_it()
    {
        Fail(_failing);
        Fail(_failing);
        Assert.Equal(DestinationHealth.Unknown, _failing.Health.Passive);
        Fail(_failing);
        await AvailableAsync("r2");

        _time.Advance(TimeSpan.FromSeconds(9.9));
        await AvailableAsync("r2");
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await AvailableAsync("r1", "r2");

        // And it begins anew.
        Fail(_failing);
        Fail(_failing);
        Assert.Equal(DestinationHealth.Unknown, _failing.Health.Passive);
        Fail(_failing);
        await AvailableAsync("r2");
    }

    [Fact]
    public void Failures_further_apart_than_fail_timeout_do_not_add_up()
    {
        for (var i = 0; i < 20; i++)
        {
            Fail(_failing);
            _time.Advance(TimeSpan.FromSeconds(6));
        }

        Assert.Equal(DestinationHealth.Unknown, _failing.Health.Passive);
    }

    [Fact]
    public async Task One_failure_is_enough_by_default_and_zero_is_never()
    {
        var never = Destinations.With("r3", ("max_fails", "0"));
        for (var i = 0; i < 100; i++)
        {
            Fail(never);
        }

        Assert.Equal(DestinationHealth.Unknown, never.Health.Passive);
        Fail(_other);
        await AvailableAsync("r1");
    }

    [Fact]
    public async Task When_all_fail_they_are_tried_rather_than_nobody()
    {
        Fail(_other);
        for (var i = 0; i < 3; i++)
        {
            Fail(_failing);
        }

        await AvailableAsync("r1", "r2");
    }

    [Theory]
    [InlineData(ForwarderError.RequestCanceled)]
    [InlineData(ForwarderError.RequestBodyClient)]
    [InlineData(ForwarderError.NoAvailableDestinations)]
    [InlineData(ForwarderError.None)]
    public void What_is_not_the_replicas_fault_does_not_count(ForwarderError error)
    {
        Fail(_other, error);
        Assert.Equal(DestinationHealth.Unknown, _other.Health.Passive);
    }

    [Theory]
    [InlineData(SocketError.AddressNotAvailable)]
    [InlineData(SocketError.TooManyOpenSockets)]
    public void A_gateway_that_has_no_port_or_file_left_does_not_blame_the_replica(SocketError error)
    {
        Fail(_other, exception: new HttpRequestException(HttpRequestError.ConnectionError, "failed", new SocketException((int)error)));
        Assert.Equal(DestinationHealth.Unknown, _other.Health.Passive);
        Fail(_other, exception: new HttpRequestException(HttpRequestError.ConnectionError, "failed", new SocketException((int)SocketError.ConnectionRefused)));
        Assert.Equal(DestinationHealth.Unhealthy, _other.Health.Passive);
    }

    private void Fail(DestinationState destination, ForwarderError error = ForwarderError.Request, Exception? exception = null)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IForwarderErrorFeature>(new Failure(error, exception));
        _policy.RequestProxied(context, _cluster, destination);
    }

    private Task AvailableAsync(params string[] ids) => Eventually.Async(
        () => ids.SequenceEqual(
            _cluster.DestinationsState.AvailableDestinations.Select(destination => destination.DestinationId).Order(StringComparer.Ordinal), StringComparer.Ordinal),
        TimeSpan.FromSeconds(5),
        $"[{string.Join(", ", ids)}] to be available");

    private sealed class Failure(ForwarderError error, Exception? exception) : IForwarderErrorFeature
    {
        public ForwarderError Error => error;

        public Exception? Exception => exception;
    }
}
