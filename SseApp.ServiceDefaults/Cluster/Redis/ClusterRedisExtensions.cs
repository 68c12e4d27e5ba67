using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using StackExchange.Redis.Configuration;

namespace SseApp.ServiceDefaults.Cluster.Redis;

internal static class ClusterRedisExtensions
{
    /// <summary>The setting that has the connection string, for messages.</summary>
    internal const string ConnectionSetting = $"ConnectionStrings:{ConnectionName}";

    private const string ConnectionName = "redis";
    private const int RoleCheckSeconds = 2;

    /// <summary>
    /// Adds the Redis connection <c>redis</c>, which everything that the cluster shares lies on: section <c>Cluster</c>,
    /// readiness check <c>redis</c>, listed as a dependency, and the metric <c>sse_redis_up</c> (section <c>RedisHealth</c>).
    /// </summary>
    /// <param name="builder">The service.</param>
    /// <param name="failureStatus">
    /// <see cref="HealthStatus.Unhealthy"/> for a service that can do nothing without Redis,
    /// <see cref="HealthStatus.Degraded"/> (still 200) for one that can.
    /// </param>
    public static IHostApplicationBuilder AddClusterRedis(this IHostApplicationBuilder builder, HealthStatus failureStatus)
    {
        var sentinels = new RedisSentinels();
        builder.AddRedisClient(
            ConnectionName,
            settings =>
            {
                // Our own check has a grace period and counts as the service's role wants it.
                settings.DisableHealthChecks = true;
                // The tracing of this client keeps each command with its arguments, the events, until its next flush (10 s):
                // under load that is more memory than everything else together. Set the option to false to have the spans.
                settings.DisableTracing = builder.Configuration.GetValue("Aspire:StackExchange:Redis:DisableTracing", true);
            },
            options =>
            {
                Configure(options);
                sentinels.Configure(options);
            });
        builder.Services.AddSingleton<RedisFailures>();
        builder.Services.AddOptions<ConfigurationOptions>().PostConfigure<RedisFailures>(static (options, failures) => options.LoggerFactory = failures);
        builder.Services.AddValidatedOptions<ClusterOptions>(ClusterOptions.SectionName);
        builder.Services.AddSingleton<IValidateOptions<ClusterOptions>, RedisConnectionValidator>();
        builder.Services.AddOptions<ClusterOptions>().PostConfigure<IConfiguration>(static (options, configuration) => options.Database = DatabaseOf(ConnectionText(configuration).Text));
        builder.Services.AddValidatedOptions<RedisHealthOptions>(RedisHealthOptions.SectionName);
        // By a function, so that it is disposed.
        builder.Services.AddSingleton(_ => sentinels);
        builder.Services.AddHostedService<SentinelWatch>();
        builder.Services.AddSingleton<RedisTopology>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RedisTopology>());
        builder.Services.TryAddSingleton<RedisStatus>();
        builder.Services.ActivateSingleton<RedisStatus>();
        builder.Services.AddHealthChecks()
            .AddCheck<RedisHealthCheck>("redis", failureStatus, [HealthTags.Ready, HealthTags.Dependency])
            .AddCheck<RedisMemoryHealthCheck>("redis-memory", tags: [HealthTags.Ready])
            .AddCheck<RedisRightsHealthCheck>("redis-rights", failureStatus, [HealthTags.Ready]);
        builder.Services.AddValidatedOptions<RedisMemoryOptions>(RedisMemoryOptions.SectionName);
        builder.Services.AddValidatedOptions<TopicLogBudget>(TopicLogBudget.SectionName);
        builder.Services.AddSingleton<RedisMemory>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RedisMemory>());
        builder.Services.AddSingleton<RedisRights>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RedisRights>());
        return builder;
    }

    private static void Configure(ConfigurationOptions options)
    {
        // The service starts without Redis, says so in /health, and connects when Redis comes.
        options.AbortOnConnectFail = false;
        // It begins to listen after the first attempt; where a server takes connections and is silent, three would be 18 s.
        options.ConnectRetry = 1;
        // A command while Redis is unreachable fails at once instead of waiting in a queue for its timeout.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        // Threads of its own would have to be switched to and back for each answer. Nothing here blocks the pool's threads.
        options.SocketManager = SocketManager.ThreadPool;
        options.ReconnectRetryPolicy = new ExponentialRetry(100, 2_000);
        // Each server is asked so often whether it is a primary. Whoever promotes one by hand announces it to nobody: until the client asks,
        // it sends the server that takes writes now none, and the one that takes none any more all of them. Its own default is a minute.
        if (options.ConfigCheckSeconds == DefaultOptionsProvider.GetProvider(options.EndPoints).ConfigCheckInterval.TotalSeconds)
        {
            options.ConfigCheckSeconds = RoleCheckSeconds;
        }
    }

    /// <summary>The connection string, and the setting that has it.</summary>
    private static (string Key, string? Text) ConnectionText(IConfiguration configuration)
    {
        const string Other = "Aspire:StackExchange:Redis:ConnectionString";
        return configuration[ConnectionSetting] is { } text && !string.IsNullOrWhiteSpace(text) ? (ConnectionSetting, text) : (Other, configuration[Other]);
    }

    // What cannot be read stops the start by the validator.
    private static int DatabaseOf(string? connection)
    {
        try
        {
            return ConfigurationOptions.Parse(connection ?? "").DefaultDatabase ?? 0;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            return 0;
        }
    }

    private sealed class RedisConnectionValidator(IConfiguration configuration, IHostEnvironment environment) : IValidateOptions<ClusterOptions>
    {
        public ValidateOptionsResult Validate(string? name, ClusterOptions options)
        {
            var (key, text) = ConnectionText(configuration);
            if (string.IsNullOrWhiteSpace(text))
            {
                return ValidateOptionsResult.Fail(
                    $"ConnectionStrings:{ConnectionName} is empty; start the whole cluster with 'dotnet run --project SseApp.AppHost', " +
                    $"or set ConnectionStrings__{ConnectionName}, for example to localhost:6379.");
            }

            if (text.Any(char.IsControl))
            {
                return Wrong("it has an invisible character in it, as a line of a file with Windows' line ends does, which would be a part of the password");
            }

            if (text.Contains("://", StringComparison.Ordinal))
            {
                return Wrong("it is a URL");
            }

            try
            {
                if (RedisCredentials.Cut(text) is { } cut)
                {
                    return Wrong(cut);
                }

                var connection = ConfigurationOptions.Parse(text);
                if (configuration[RedisCredentials.PasswordSetting] is { Length: > 0 } password)
                {
                    if (password.Any(char.IsControl))
                    {
                        return ValidateOptionsResult.Fail($"{RedisCredentials.PasswordSetting} has an invisible character in it, as a line of a file with Windows' line ends does.");
                    }

                    connection.Password = password;
                }

                var servers = connection.EndPoints;
                return servers.Count == 0 ? Wrong("it names no server")
                    : servers.OfType<DnsEndPoint>().FirstOrDefault(server => Uri.CheckHostName(server.Host) == UriHostNameType.Unknown) is not null ? Wrong("a server's name is not valid")
                    // The scripts know nothing of it, so nothing that they announce would arrive.
                    : !connection.ChannelPrefix.IsNullOrEmpty ? Wrong($"channelPrefix is not for this; set {ClusterOptions.SectionName}:{nameof(ClusterOptions.KeyPrefix)}, which is for keys and channels")
                    : connection is { ServiceName.Length: > 0, Ssl: true } && string.IsNullOrEmpty(connection.SslHost) ? Wrong("with serviceName and ssl=true it needs sslHost=…, the name in the certificates of the servers")
                    : connection.Proxy != Proxy.None ? Wrong("proxy names one that passes no channels; connect to the servers themselves")
                    : environment.IsDevelopment() || options.AllowRedisWithoutPassword || RedisCredentials.AreIn(connection) ? ValidateOptionsResult.Success
                    : ValidateOptionsResult.Fail(
                        $"{key} {RedisCredentials.Missing}, or accept it with {ClusterOptions.SectionName}:{nameof(ClusterOptions.AllowRedisWithoutPassword)}=true if nobody else reaches the server.");
            }
            catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
            {
                return Wrong(exception.ForPeople().TrimEnd('.'));
            }

            // Not what it is: a password may stand in it, also under a name that is misspelled.
            ValidateOptionsResult Wrong(string why) => ValidateOptionsResult.Fail(
                $"{key} cannot be used: {why}. It must be host:port and options, for example redis.internal:6379,ssl=true.");
        }
    }
}
