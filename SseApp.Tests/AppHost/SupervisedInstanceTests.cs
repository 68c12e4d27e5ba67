using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Testing;
using SseApp.AppHost.Supervision;

namespace SseApp.Tests.AppHost;

/// <summary>What the supervisor reports of the states that Aspire's engine tells it; nothing runs.</summary>
public sealed class SupervisedInstanceTests : IAsyncDisposable
{
    private static readonly DateTime s_end = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    private readonly DistributedApplication _app;
    private readonly RestartReports _reports = new();
    private readonly SupervisedInstance _instance;
    private readonly LivenessProbe _probe = new();
    private readonly FakeLogger _log = new();
    private readonly FakeTimeProvider _time = new();

    public SupervisedInstanceTests()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
        var events = builder.AddExecutable("events", "sleep", ".", "600");
        _app = builder.Build();
        var services = new SupervisorServices(
            _app.ResourceNotifications,
            _app.ResourceCommands,
            _app.Services.GetRequiredService<ResourceLoggerService>(),
            _reports,
            new ReplicaSigns(),
            _probe,
            _time,
            _log,
            CancellationToken.None);
        _instance = new SupervisedInstance(events.Resource, "events-a", new RestartPolicy(), services);
    }

    [Fact]
    public async Task An_end_that_is_reported_once_more_after_the_start_that_followed_is_not_another_crash()
    {
        await ObserveAsync(KnownResourceStates.Running);
        await ObserveAsync(KnownResourceStates.Finished, s_end);
        Assert.Single(_reports);

        await ObserveAsync(KnownResourceStates.Starting);
        await ObserveAsync(KnownResourceStates.Finished, s_end);
        await ObserveAsync(KnownResourceStates.Running);
        Assert.Single(_reports);

        await ObserveAsync(KnownResourceStates.Finished, s_end.AddSeconds(20));
        Assert.Equal(2, _reports.Count);
    }

    [Fact]
    public async Task An_end_is_reported_under_the_name_that_the_registry_has()
    {
        await ObserveAsync(KnownResourceStates.Running);
        await ObserveAsync(KnownResourceStates.Finished, s_end);

        Assert.Equal("a b", Assert.Single(_reports).Id);
    }

    [Fact]
    public async Task What_a_process_said_that_could_not_start_is_in_the_log_of_the_AppHost()
    {
        _app.Services.GetRequiredService<ResourceLoggerService>().GetLogger("events-a").LogError("Streaming:MaxTopics is 0; it must be between 1 and 1000.");
        await ObserveAsync(KnownResourceStates.Running);
        await ObserveAsync(KnownResourceStates.Finished, s_end);

        await Eventually.Async(
            () =>
            {
                // Lines may come a moment after the end of the process that wrote them.
                _time.Advance(TimeSpan.FromSeconds(1));
                return _log.Collector.GetSnapshot().Any(line => line.Message.EndsWith("events-a: Streaming:MaxTopics is 0; it must be between 1 and 1000.", StringComparison.Ordinal));
            },
            TimeSpan.FromSeconds(10),
            "the line of the process");
    }

    [Fact]
    public async Task A_stop_by_hand_is_no_crash()
    {
        await ObserveAsync(KnownResourceStates.Running);
        await ObserveAsync(KnownResourceStates.Stopping);
        await ObserveAsync(KnownResourceStates.Finished, s_end);

        Assert.Empty(_reports);
    }

    public async ValueTask DisposeAsync()
    {
        _probe.Dispose();
        await _app.DisposeAsync();
    }

    private Task ObserveAsync(string state, DateTime? end = null) =>
        _instance.ObserveAsync(Snapshot(state, end, ("OTEL_RESOURCE_ATTRIBUTES", "x=y,service.instance.id=a%20b")));

    private static CustomResourceSnapshot Snapshot(string state, DateTime? end, params (string Name, string? Value)[] environment) => new()
    {
        ResourceType = "Executable",
        Properties = [],
        State = state,
        StopTimeStamp = end,
        ExitCode = end is null ? null : 1,
        EnvironmentVariables = [.. environment.Select(variable => new EnvironmentVariableSnapshot(variable.Name, variable.Value, IsFromSpec: true))],
    };

    private sealed class RestartReports : List<RestartRecord>, IRestartReport;
}
