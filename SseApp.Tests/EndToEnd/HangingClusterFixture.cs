using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace SseApp.Tests.EndToEnd;

/// <summary>The supervised cluster with its embedded Redis on disk; eight seconds without an answer are too much, and so are four of being slow.</summary>
public sealed class HangingClusterFixture : ClusterFixture
{
    /// <summary>More than one probe without an answer, which a busy machine may cause.</summary>
    public static readonly TimeSpan HungAfter = TimeSpan.FromSeconds(8);

    /// <summary>Of Redis: longer than the outage in which nobody is to be restarted.</summary>
    public static readonly TimeSpan RedisHungAfter = TimeSpan.FromSeconds(25);

    public static readonly TimeSpan SlowAfter = TimeSpan.FromSeconds(4);

    /// <summary>More than a machine that others fill, too, keeps a replica waiting.</summary>
    public static readonly TimeSpan SlowLimit = TimeSpan.FromMilliseconds(1200);

    /// <summary>How long a replica that is to be slow stands still at a time.</summary>
    public static readonly TimeSpan Stutter = TimeSpan.FromMilliseconds(1500);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("sse-garnet-");

    /// <summary>What the AppHost tells whoever started it.</summary>
    public IEnumerable<string> Logs => App.Services.GetFakeLogCollector().GetSnapshot().Select(line => line.Message);

    protected override IEnumerable<string> Arguments =>
    [
        $"--Restart:HungAfter={HungAfter:c}", $"--Restart:redis:HungAfter={RedisHungAfter:c}", $"--Restart:SlowAfter={SlowAfter:c}", $"--Restart:SlowLimit={SlowLimit:c}", "--Restart:MinUptime=00:00:00",
        "--Backplane:Persistent=true", $"--Backplane:DataDirectory={_data.FullName}",
    ];

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddLogging(logging => logging.AddFakeLogging());
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("Limits__StreamsPerAddress", "0")
            .WithEnvironment("Limits__ConnectsPerSecond", "0")
            .WithEnvironment("Limits__EventsPerSecond", "0")
            .WithEnvironment("Limits__StoredBytesPerSecond", "0")
            .WithEnvironment("Limits__ReadsPerSecond", "0")
            .WithEnvironment("Limits__ReadsAtOnce", "0")
            .WithEnvironment("Limits__TopicsPerAddress", "0");
    }

    protected override ValueTask CleanUpAsync()
    {
        _data.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
