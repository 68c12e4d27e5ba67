using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting;

/// <summary>Adds and configures Redis.</summary>
public static class RedisBuilderExtensions
{
    private const int RedisPort = 6379;
    private const string DataFolder = "/data";
    private static readonly TimeSpan s_defaultSaveInterval = TimeSpan.FromSeconds(60);

    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name, and that of its connection string.</param>
    /// <param name="port">The port on this machine; chosen when null.</param>
    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port)
        => builder.AddRedis(name, port, password: null);

    /// <param name="builder">The application.</param>
    /// <param name="name">The resource's name, and that of its connection string.</param>
    /// <param name="port">The port on this machine; chosen when null.</param>
    /// <param name="password">The password, without commas; generated when null.</param>
    public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null, IResourceBuilder<ParameterResource>? password = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);

        // StackExchange.Redis takes no commas in passwords: https://github.com/StackExchange/StackExchange.Redis/issues/680
        var passwordParameter = password?.Resource
            ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password", special: false);
        var redis = new RedisResource(name, passwordParameter);

        string? connectionString = null;
        builder.Eventing.Subscribe<ConnectionStringAvailableEvent>(redis, async (_, cancellationToken) =>
            connectionString = await redis.GetConnectionStringAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new DistributedApplicationException($"ConnectionStringAvailableEvent was published for the '{redis.Name}' resource but the connection string was null."));

        var healthCheckKey = $"{name}_check";
        builder.Services.AddHealthChecks().AddRedis(
            _ => connectionString ?? throw new InvalidOperationException("Connection string is unavailable"),
            name: healthCheckKey);

        return builder.AddResource(redis)
            .WithEndpoint(port: port, targetPort: RedisPort, name: RedisResource.PrimaryEndpointName, scheme: RedisResource.Scheme)
            .WithImage(RedisContainerImageTags.Image, RedisContainerImageTags.Tag)
            .WithImageRegistry(RedisContainerImageTags.Registry)
            .WithIconName("Database")
            .WithHealthCheck(healthCheckKey)

            // The password goes through a variable and a shell, so that no command line on the host shows it.
            .WithEntrypoint("/bin/sh")
            .WithEnvironment(context =>
            {
                if (redis.PasswordParameter is { } parameter)
                {
                    context.EnvironmentVariables["REDIS_PASSWORD"] = parameter;
                }
            })
            .WithArgs(context => AddArguments(redis, context));
    }

    /// <summary>Uses another password; none when null.</summary>
    public static IResourceBuilder<RedisResource> WithPassword(this IResourceBuilder<RedisResource> builder, IResourceBuilder<ParameterResource>? password)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.PasswordParameter = password?.Resource;
        return builder;
    }

    /// <summary>Uses another port on this machine.</summary>
    public static IResourceBuilder<RedisResource> WithHostPort(this IResourceBuilder<RedisResource> builder, int? port)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithEndpoint(RedisResource.PrimaryEndpointName, endpoint => endpoint.Port = port);
    }

    /// <summary>Keeps the data in a volume and turns persistence on.</summary>
    public static IResourceBuilder<RedisResource> WithDataVolume(this IResourceBuilder<RedisResource> builder, string? name = null, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), DataFolder, isReadOnly);
        return isReadOnly ? builder : builder.WithPersistence();
    }

    /// <summary>Keeps the data in a folder of this machine and turns persistence on.</summary>
    public static IResourceBuilder<RedisResource> WithDataBindMount(this IResourceBuilder<RedisResource> builder, string source, bool isReadOnly = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(source);
        builder.WithBindMount(source, DataFolder, isReadOnly);
        return isReadOnly ? builder : builder.WithPersistence();
    }

    /// <summary>Writes a snapshot when this many keys changed within the interval.</summary>
    /// <param name="builder">The Redis resource.</param>
    /// <param name="interval">60 s when null.</param>
    /// <param name="keysChangedThreshold">At least 1.</param>
    public static IResourceBuilder<RedisResource> WithPersistence(this IResourceBuilder<RedisResource> builder, TimeSpan? interval = null, long keysChangedThreshold = 1)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new RedisPersistenceAnnotation(interval ?? s_defaultSaveInterval, keysChangedThreshold), ResourceAnnotationMutationBehavior.Replace);
    }

    private static void AddArguments(RedisResource redis, CommandLineArgsCallbackContext context)
    {
        var arguments = new List<string> { "redis-server" };
        if (redis.PasswordParameter is not null)
        {
            arguments.AddRange(["--requirepass", "$REDIS_PASSWORD"]);
        }

        if (redis.TryGetLastAnnotation<RedisPersistenceAnnotation>(out var persistence))
        {
            arguments.AddRange([
                "--save",
                persistence.Interval.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                persistence.KeysChangedThreshold.ToString(CultureInfo.InvariantCulture)]);
        }

        // Running, ShellExecution makes one command line of the arguments; deployed, nobody does.
        if (context.ExecutionContext.IsPublishMode)
        {
            context.Args.Add("-c");
            context.Args.Add(string.Join(' ', arguments));
            return;
        }

        foreach (var argument in arguments)
        {
            context.Args.Add(argument);
        }
    }
}
