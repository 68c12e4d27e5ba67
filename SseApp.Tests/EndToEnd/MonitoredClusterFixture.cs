using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace SseApp.Tests.EndToEnd;

/// <summary>The cluster with <c>Monitoring:Enabled</c>, HTTPS, and restarts after half a second.</summary>
public sealed class MonitoredClusterFixture : ClusterFixture
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("sse-monitoring-");
    private readonly TestCertificate _certificate = new();

    public MonitoredClusterFixture()
    {
        // Root's PostgreSQL runs as another user.
        if (!OperatingSystem.IsWindows())
        {
            _data.UnixFileMode |= UnixFileMode.OtherExecute;
        }
    }

    /// <summary>Without PostgreSQL it has no archive, and nothing to say of one.</summary>
    public static bool HasArchive => PostgresPrograms.SkipReason is null;

    /// <summary>Starts it, where the programs are.</summary>
    public async Task RequireProgramsAsync()
    {
        Assert.SkipWhen(BackplaneServer.FindOnPath("prometheus") is null, "prometheus is not installed (apt-get install prometheus).");
        Assert.SkipWhen(BackplaneServer.FindOnPath("prometheus-alertmanager") is null, "prometheus-alertmanager is not installed (apt-get install prometheus-alertmanager).");
        await RequireAsync();
    }

    protected override IEnumerable<string> Arguments =>
    [
        "--Restart:Delay=00:00:00.500", "--Restart:MinUptime=00:00:00", "--Monitoring:Enabled=true", $"--Monitoring:DataDirectory={_data.FullName}",
        .. HasArchive ? (string[])["--Archive:Mode=Local", $"--Archive:DataDirectory={_data.FullName}/archive"] : [],
    ];

    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        // All clients have one address.
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("Limits__StreamsPerAddress", "0")
            .WithEnvironment("Limits__ConnectsPerSecond", "0")
            .WithEnvironment("Limits__EventsPerSecond", "0")
            .WithEnvironment("Limits__StoredBytesPerSecond", "0")
            .WithEnvironment("Limits__TopicsPerAddress", "0")
            .WithEnvironment("Tls__CertificateFile", _certificate.CertificateFile)
            .WithEnvironment("Tls__KeyFile", _certificate.KeyFile)
            .WithEnvironment("Tls__Urls", "https://127.0.0.1:0")
            .WithEnvironment("Tls__Redirect", "false");
    }

    protected override ValueTask CleanUpAsync()
    {
        _certificate.Dispose();
        _data.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
