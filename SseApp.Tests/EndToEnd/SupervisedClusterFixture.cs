using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace SseApp.Tests.EndToEnd;

/// <summary>The cluster as users have it, but with short times: a restart after half a second, a drain of two seconds.</summary>
public sealed class SupervisedClusterFixture : ClusterFixture
{
    public const int MaxRestarts = 2;

    public static readonly TimeSpan DrainWindow = TimeSpan.FromSeconds(2);

    // Every life is short by this measure, so that a second crash in a row is a loop.
    protected override IEnumerable<string> Arguments =>
        ["--Restart:Delay=00:00:00.500", $"--Restart:events:MaxRestarts={MaxRestarts}", "--Restart:events:MinUptime=1.00:00:00"];

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.CreateResourceBuilder<ProjectResource>("events").WithEnvironment("Drain__Window", DrainWindow.ToString("c"));
        // All clients have one address.
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("Limits__StreamsPerAddress", "0")
            .WithEnvironment("Limits__ConnectsPerSecond", "0");
    }
}
