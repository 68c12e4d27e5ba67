using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace SseApp.Tests.EndToEnd;

/// <summary>The cluster as users have it, but with short times: a restart after half a second, a drain of two seconds.</summary>
public sealed class SupervisedClusterFixture : ClusterFixture
{
    public const int MaxRestarts = 2;

    public const string MemoryLimitVariable = "MemoryGuard__Limit";

    public static readonly TimeSpan DrainWindow = TimeSpan.FromSeconds(2);

    private volatile string? _memoryLimit;

    /// <summary>What the AppHost prints for whoever started it.</summary>
    public IEnumerable<string> Logs => App.Services.GetFakeLogCollector().GetSnapshot().Select(line => line.Message);

    /// <summary>For replicas that start from now on: above it for half a second is too much, and stalled readers may cost what they want.</summary>
    public string? MemoryLimit
    {
        get => _memoryLimit;
        set => _memoryLimit = value;
    }

    // Every life is short by this measure, so that a second crash in a row is a loop.
    protected override IEnumerable<string> Arguments =>
        ["--Restart:Delay=00:00:00.500", $"--Restart:events:MaxRestarts={MaxRestarts}", "--Restart:events:MinUptime=1.00:00:00"];

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddLogging(logging => logging.AddFakeLogging());
        builder.CreateResourceBuilder<ProjectResource>("events")
            .WithEnvironment("Drain__Window", DrainWindow.ToString("c"))
            .WithEnvironment(context =>
            {
                if (MemoryLimit is { } limit)
                {
                    context.EnvironmentVariables[MemoryLimitVariable] = limit;
                    context.EnvironmentVariables["MemoryGuard__Duration"] = "00:00:00.500";
                    context.EnvironmentVariables["Streaming__MaxBacklogBytes"] = "1000000000";
                    context.EnvironmentVariables["Streaming__MaxBacklogAge"] = "01:00:00";
                }
            });
        // All clients have one address.
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("Limits__StreamsPerAddress", "0")
            .WithEnvironment("Limits__ConnectsPerSecond", "0")
            .WithEnvironment("Limits__EventsPerSecond", "0")
            .WithEnvironment("Limits__StoredBytesPerSecond", "0")
            .WithEnvironment("Limits__ReadsPerSecond", "0")
            .WithEnvironment("Limits__ReadsAtOnce", "0")
            .WithEnvironment("Limits__TopicsPerAddress", "0");
    }
}
