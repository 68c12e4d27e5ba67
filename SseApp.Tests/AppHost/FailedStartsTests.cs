using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Startup;

namespace SseApp.Tests.AppHost;

public sealed class FailedStartsTests
{
    [Fact]
    public async Task What_could_not_be_started_is_said_once_with_what_to_do()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, Args = ["--DcpPublisher:CliPath=none", "--DcpPublisher:DashboardPath=none"] });
        builder.Services.AddLogging(logging => logging.AddFakeLogging());
        var (redis, other) = (builder.AddRedis("redis"), builder.AddExecutable("other", "other", "."));
        await using var application = builder.Build();
        using var failed = ActivatorUtilities.CreateInstance<FailedStarts>(application.Services);
        await failed.StartingAsync(TestContext.Current.CancellationToken);
        foreach (var (resource, state) in ((IResource, string)[])
            [(redis.Resource, KnownResourceStates.Starting), (redis.Resource, KnownResourceStates.FailedToStart), (redis.Resource, KnownResourceStates.FailedToStart), (other.Resource, KnownResourceStates.FailedToStart)])
        {
            await application.ResourceNotifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = state });
        }

        string[] lines = [];
        await Eventually.Async(
            () => (lines = [.. application.Services.GetFakeLogCollector().GetSnapshot().Select(line => line.Message).Where(line => line.Contains("could not be started", StringComparison.Ordinal))]).Length >= 2,
            TimeSpan.FromSeconds(20),
            "a line for each");
        Assert.Equal(2, lines.Length);
        Assert.Contains(lines, line => line.StartsWith("redis ", StringComparison.Ordinal) && line.Contains("Backplane:Mode=Garnet", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("other ", StringComparison.Ordinal) && !line.Contains("Garnet", StringComparison.Ordinal));
        await failed.StoppingAsync(TestContext.Current.CancellationToken);
    }
}
