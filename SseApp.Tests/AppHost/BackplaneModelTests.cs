using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Backplane;

namespace SseApp.Tests.AppHost;

public sealed class BackplaneModelTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-backplane-");

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>An engine without a way to a registry would leave the cluster waiting for Redis for good.</summary>
    [Theory]
    [InlineData("info", true)]
    [InlineData("info inspect", false)]
    [InlineData("info pull", false)]
    [InlineData("inspect pull", true)]
    public async Task Redis_is_a_container_where_an_engine_has_its_image_or_gets_it(string succeeds, bool embedded)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The engine is a script.");
        var engine = Path.Combine(_folder.FullName, "engine");
        await File.WriteAllTextAsync(
            engine, $"#!/bin/sh\nfor word in {succeeds}; do case \" $* \" in *\" $word \"*) exit 0 ;; esac; done; exit 1\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(engine, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = [$"--ASPIRE_CONTAINER_RUNTIME={engine}", $"--Backplane:DataDirectory={_folder.FullName}/data", "--DcpPublisher:CliPath=none", "--DcpPublisher:DashboardPath=none"],
            DisableDashboard = true,
        });
        builder.Services.AddLogging(logging => logging.AddFakeLogging());

        var redis = builder.AddBackplane("redis").Resource;

        Assert.Equal(embedded, redis is GarnetServerResource);
        await using var application = builder.Build();
        await builder.Eventing.PublishAsync(new BeforeStartEvent(application.Services, application.Services.GetRequiredService<DistributedApplicationModel>()), TestContext.Current.CancellationToken);
        Assert.Equal(
            succeeds == "info",
            application.Services.GetFakeLogCollector().GetSnapshot().Any(line => line.Message.Contains("cannot fetch it", StringComparison.Ordinal)));
    }
}
