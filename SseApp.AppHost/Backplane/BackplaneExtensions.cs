using SseApp.AppHost.Startup;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.AppHost.Backplane;

internal static partial class BackplaneExtensions
{
    /// <summary>
    /// Adds the Redis that carries the topic logs and the replica registry, as <see cref="BackplaneOptions.Mode"/> says.
    /// Published clusters always get the container: the choice of a managed server is the target's
    /// (<c>Backplane:Mode=external</c> publishes a connection string instead).
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddBackplane(this IDistributedApplicationBuilder builder, string name)
    {
        var options = builder.ReadSettings(BackplaneOptions.SectionName, new BackplaneOptions());
        if (options.Mode == BackplaneMode.External && builder.ExecutionContext.IsRunMode && string.IsNullOrEmpty(builder.Configuration.GetConnectionString(name)))
        {
            StartupProblems.Of(builder).Add(
                $"{BackplaneOptions.SectionName}:{nameof(BackplaneOptions.Mode)} is '{options.Mode}', and ConnectionStrings:{name} is not set; allowed: the address of a Redis server, such as --ConnectionStrings:{name}=localhost:6379.");
        }

        return ResolveMode(builder, options) switch
        {
            BackplaneMode.External => AddExternal(builder, name),
            BackplaneMode.Garnet => builder.AddGarnetServer(name, options),
            _ => AddContainer(builder, name, options),
        };
    }

    private static BackplaneMode ResolveMode(IDistributedApplicationBuilder builder, BackplaneOptions options)
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            return options.Mode == BackplaneMode.External ? BackplaneMode.External : BackplaneMode.Container;
        }

        if (options.Mode != BackplaneMode.Auto)
        {
            return options.Mode;
        }

        var image = ContainerRuntimeProbe.Find(builder.Configuration, static other => other.AddRedis("image").Resource);
        if (image.IsThere)
        {
            return BackplaneMode.Container;
        }

        if (image.Name is { } name)
        {
            builder.LogAtStart(logger => LogNoImage(logger, name));
        }

        return BackplaneMode.Garnet;
    }

    private static IResourceBuilder<IResourceWithConnectionString> AddExternal(IDistributedApplicationBuilder builder, string name)
    {
        if (builder.ExecutionContext.IsRunMode && builder.Configuration.GetConnectionString(name) is { Length: > 0 } text && !RedisCredentials.AreIn(text))
        {
            builder.LogAtStart(logger => LogNoPassword(logger, name));
        }

        return builder.AddConnectionString(name);
    }

    private static IResourceBuilder<RedisResource> AddContainer(IDistributedApplicationBuilder builder, string name, BackplaneOptions options)
    {
        // With a password that Aspire makes, in the connection string.
        var redis = builder.AddRedis(name).WithArgs(context =>
        {
            // One command line, for a shell.
            if (context.Args is [.., string command])
            {
                context.Args[^1] = string.Create(CultureInfo.InvariantCulture, $"{command} --maxmemory {options.ContainerMemoryMiB}mb --maxmemory-policy noeviction");
            }
        });
        if (options.Persistent || builder.ExecutionContext.IsPublishMode)
        {
            // Published under a name of its own: templates of the target name it, too (SseApp.AppHost/infra).
            redis.WithDataVolume(builder.ExecutionContext.IsPublishMode ? $"{name}-data" : null).WithPersistence(TimeSpan.FromSeconds(10), keysChangedThreshold: 1);
        }

        return redis;
    }

    [LoggerMessage(
        LogLevel.Warning,
        "A container engine answers, but it has no image {Image} and cannot fetch it, so Redis is the embedded one (Garnet). Backplane:Mode=Garnet takes that one without asking.")]
    private static partial void LogNoImage(ILogger logger, string image);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        $"ConnectionStrings:{{Name}} {RedisCredentials.Missing}. Outside Development the services do not start without.")]
    private static partial void LogNoPassword(ILogger logger, string name);
}
