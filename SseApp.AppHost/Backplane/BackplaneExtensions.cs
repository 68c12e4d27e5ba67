using SseApp.AppHost.Startup;

namespace SseApp.AppHost.Backplane;

internal static class BackplaneExtensions
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
            BackplaneMode.External => builder.AddConnectionString(name),
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

        return ContainerRuntimeProbe.Answers(builder.Configuration) ? BackplaneMode.Container : BackplaneMode.Garnet;
    }

    private static IResourceBuilder<RedisResource> AddContainer(IDistributedApplicationBuilder builder, string name, BackplaneOptions options)
    {
        var redis = builder.AddRedis(name);
        if (options.Persistent || builder.ExecutionContext.IsPublishMode)
        {
            redis.WithDataVolume().WithPersistence(TimeSpan.FromSeconds(10), keysChangedThreshold: 1);
        }

        return redis;
    }
}
