using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Monitoring;
using SseApp.AppHost.Operations;
using SseApp.Tests.Hosting;

namespace SseApp.Tests.AppHost;

/// <summary>What <c>Monitoring:Enabled</c> adds, by what the machine has. That it works is in MonitoringTests.</summary>
public sealed class MonitoringModelTests : IDisposable
{
    private static readonly string[] s_names = ["prometheus", "alertmanager", "grafana"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-monitoring-");
    private readonly OperatorListeners _listeners = new(null);

    public void Dispose()
    {
        _listeners.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(true, true, "Executable", "Executable", "Container", null)]
    [InlineData(true, false, "Executable", "Executable", null, "grafana")]
    [InlineData(false, true, "Container", "Container", "Container", null)]
    [InlineData(false, false, null, null, null, "prometheus, alertmanager, grafana")]
    public async Task Programs_come_before_containers_and_one_line_names_what_is_not_there(
        bool programs, bool containers, string? prometheus, string? alertmanager, string? grafana, string? absent)
    {
        if (programs)
        {
            await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "prometheus"), "", TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "prometheus-alertmanager"), "", TestContext.Current.CancellationToken);
        }

        // A runtime whose every answer is yes, and one that there is not.
        var builder = Create("--Monitoring:Enabled=true", $"--PATH={_folder.FullName}", $"--ASPIRE_CONTAINER_RUNTIME={(containers ? "true" : "no-such-program")}");
        await using var application = builder.Build();
        await builder.Eventing.PublishAsync(new BeforeStartEvent(application.Services, application.Services.GetRequiredService<DistributedApplicationModel>()), TestContext.Current.CancellationToken);

        Assert.Equal([prometheus, alertmanager, grafana], s_names.Select(name => builder.Resources.SingleOrDefault(resource => resource.Name == name) switch
        {
            ContainerResource => "Container",
            ExecutableResource => "Executable",
            _ => null,
        }));
        var lines = application.Services.GetFakeLogCollector().GetSnapshot().Where(line => line.Message.StartsWith("Monitoring:Enabled", StringComparison.Ordinal)).ToArray();
        Assert.Equal(absent is null ? 0 : 1, lines.Length);
        Assert.All(lines, line => Assert.Contains($"are not there: {absent}.", line.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_clusters_do_not_write_into_one_folder()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "prometheus"), "", TestContext.Current.CancellationToken);
        string[] arguments = ["--Monitoring:Enabled=true", $"--PATH={_folder.FullName}", "--ASPIRE_CONTAINER_RUNTIME=no-such-program"];
        await using var first = Create(arguments).Build();
        // The lock belongs to the application's services.
        var second = Create(arguments);
        await using var application = second.Build();

        Assert.Contains("another cluster", await ProblemAsync(second, application), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_named_with_its_setting()
    {
        var program = Path.Combine(_folder.FullName, "prometheus");
        await File.WriteAllTextAsync(program, "", TestContext.Current.CancellationToken);
        var builder = Create("--Monitoring:Enabled=true", $"--PATH={_folder.FullName}", "--ASPIRE_CONTAINER_RUNTIME=no-such-program", $"--Monitoring:DataDirectory={program}");
        await using var application = builder.Build();

        Assert.Contains($"Monitoring:DataDirectory is '{program}', which is no folder", await ProblemAsync(builder, application), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_published_cluster_has_it_only_if_asked_and_with_nothing_of_Development(bool enabled)
    {
        var file = Path.Combine(_folder.FullName, "manifest.json");
        var builder = Create($"--Monitoring:Enabled={enabled}", "--publisher", "manifest", "--output-path", file);
        await using var application = builder.Build();
        await application.RunAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken);
        using var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var resources = manifest.RootElement.GetProperty("resources");

        Assert.Equal(enabled ? s_names : [], s_names.Where(name => resources.TryGetProperty(name, out _)));
        if (enabled)
        {
            Assert.Equal("http://0.0.0.0:8081", resources.GetProperty("events").GetProperty("env").GetProperty("Admin__Urls").GetString());
            var grafana = resources.GetProperty("grafana").GetProperty("env");
            Assert.Equal("{grafana-password.value}", grafana.GetProperty("GF_SECURITY_ADMIN_PASSWORD").GetString());
            Assert.DoesNotContain("ANONYMOUS", grafana.GetRawText(), StringComparison.Ordinal);
            Assert.DoesNotContain(_listeners.Key.Text, manifest.RootElement.GetRawText(), StringComparison.Ordinal);
        }
        else
        {
            Assert.DoesNotContain("Admin__Urls", resources.GetRawText(), StringComparison.Ordinal);
        }
    }

    private static async Task<string> ProblemAsync(IDistributedApplicationBuilder builder, DistributedApplication application) =>
        (await Assert.ThrowsAsync<DistributedApplicationException>(() => builder.Eventing.PublishAsync(
            new BeforeStartEvent(application.Services, application.Services.GetRequiredService<DistributedApplicationModel>()), TestContext.Current.CancellationToken))).Message;

    private IDistributedApplicationBuilder Create(params string[] arguments)
    {
        // Aspire wants to know where its programs are, though none of them is started.
        string[] all = [$"--Monitoring:DataDirectory={_folder.FullName}/data", .. arguments, "--DcpPublisher:CliPath=none", "--DcpPublisher:DashboardPath=none"];
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = all, DisableDashboard = true });
        builder.Services.AddLogging(logging => logging.AddFakeLogging());
        builder.AddMonitoring(
            builder.AddProject<TestProject>("events", launchProfileName: null).WithHttpEndpoint(), builder.AddProject<TestProject>("gateway", launchProfileName: null).WithHttpEndpoint(), _listeners);
        return builder;
    }
}
