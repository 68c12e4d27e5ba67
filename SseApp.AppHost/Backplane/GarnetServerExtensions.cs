using System.Reflection;
using SseApp.AppHost.Startup;

namespace SseApp.AppHost.Backplane;

internal static class GarnetServerExtensions
{
    // More than the connections of a local cluster.
    private const int MinThreads = 64;

    public static IResourceBuilder<GarnetServerResource> AddGarnetServer(
        this IDistributedApplicationBuilder builder, string name, BackplaneOptions options)
    {
        var dataDirectory = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, options.DataDirectory));
        Directory.CreateDirectory(dataDirectory);
        if (!File.Exists(ServerPath))
        {
            StartupProblems.Of(builder).Add(
                $"Garnet, the embedded Redis server, is not at '{ServerPath}': build again ('dotnet build SseApp.AppHost' restores it), start a container "
                + "runtime, or name a Redis server of your own (--Backplane:Mode=External --ConnectionStrings:redis=<host:port>).");
        }

        if (options.Persistent)
        {
            try
            {
                // Held until the AppHost ends: two servers would write into one file.
                builder.Services.AddSingleton(File.Open(Path.Combine(dataDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException)
            {
                StartupProblems.Of(builder).Add(
                    $"{BackplaneOptions.SectionName}:{nameof(BackplaneOptions.Persistent)} is 'true', but another cluster keeps its topic logs in '{dataDirectory}'; allowed: false, for all clusters of this folder but one.");
            }
        }

        if (options.Persistent && builder.ExecutionContext.IsRunMode)
        {
            builder.Services.AddHostedService(services => new DiskWatch(dataDirectory, DiskWatch.FreeOf, TimeProvider.System, services.GetRequiredService<ILogger<DiskWatch>>()));
        }

        var secret = new GarnetSecret();
        // Whichever way it ends: the application's services are not disposed in all of them.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => secret.Dispose();
        var password = builder.AddParameter($"{name}-password", secret.Password, secret: true);
        var resource = new GarnetServerResource(name, dataDirectory, password.Resource) { Password = secret.Password };
        string? connectionString = null;
        builder.Eventing.Subscribe<ConnectionStringAvailableEvent>(resource, async (_, cancellationToken) =>
            connectionString = await resource.ConnectionStringExpression.GetValueAsync(cancellationToken));

        // Before each start, since somebody may have cleaned up.
        builder.Eventing.Subscribe<BeforeResourceStartedEvent>(resource, (_, _) =>
        {
            secret.Write();
            return Task.CompletedTask;
        });

        var healthCheck = $"{name}_check";
        builder.Services.AddHealthChecks().AddRedis(
            _ => connectionString ?? throw new InvalidOperationException($"The address of '{name}' is not known yet."),
            name: healthCheck,
            timeout: TimeSpan.FromSeconds(2));

        // The file has the password: whoever reaches the port on this machine, as a page in a browser does, gets nothing without.
        // --lua: the topic log is one script a publish. Without the transaction mode Garnet lets scripts on the same keys
        // interleave: two replicas would take turns inside a publish. Without an address --bind would listen on every interface.
        // Without the scan the events of an expired topic would stay in memory, and publishes be refused for want of it.
        var garnet = builder.AddResource(resource)
            .WithEndpoint(name: GarnetServerResource.EndpointName, scheme: "tcp")
            .WithArgs(
                ServerPath,
                "--port", resource.PrimaryEndpoint.Property(EndpointProperty.TargetPort),
                "--bind", "127.0.0.1",
                "--config-import-path", secret.File,
                "--lua",
                "--lua-transaction-mode",
                "--memory", options.GarnetMemoryMiB.ToString(CultureInfo.InvariantCulture) + "m",
                "--expired-key-deletion-scan-freq", "60",
                // A script that waits for a lock spins on a thread of the pool, and the one that has the lock waits for its commit, which
                // needs another thread: with one for each core, the pool was all spinning, and nothing was ever answered again.
                "--minthreads", MinThreads.ToString(CultureInfo.InvariantCulture),
                "--checkpointdir", dataDirectory)
            // Server GC reserves a heap per core; a backplane of a few MiB of events has no use for that.
            .WithEnvironment("DOTNET_gcServer", "0")
            // Idle pool threads would spin by yielding: a third of its yields while messages go to subscribers. On a busy
            // machine each of them may give the core to another program.
            .WithEnvironment("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0")
            .WithIconName("Database")
            .WithHealthCheck(healthCheck);

        // The default device on Linux needs libaio, which many machines do not have: without it nothing is written, and publishes hang.
        return options.Persistent ? garnet.WithArgs("--aof", "--aof-commit-wait", "--recover", "--device-type", "RandomAccess") : garnet;
    }

    /// <summary>Garnet's assembly, where the build found its package; empty when it was built without.</summary>
    internal static string ServerPath { get; } = typeof(GarnetServerExtensions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(attribute => attribute.Key == "garnetserverpath")?.Value ?? "";
}
