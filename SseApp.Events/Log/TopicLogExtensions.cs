using StackExchange.Redis;

namespace SseApp.Events.Log;

internal static class TopicLogExtensions
{
    private const string ConnectionName = "redis";

    /// <summary>Adds the Redis connection <c>redis</c> and the topic log on it.</summary>
    /// <exception cref="StartupException">No connection string is configured.</exception>
    public static IHostApplicationBuilder AddTopicLog(this IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString(ConnectionName))
            && string.IsNullOrWhiteSpace(builder.Configuration["Aspire:StackExchange:Redis:ConnectionString"]))
        {
            throw new StartupException(
                "No Redis connection is configured. Start the whole cluster with 'dotnet run --project SseApp.AppHost', " +
                "or set ConnectionStrings__redis, for example to localhost:6379.");
        }

        // The tracing of this client keeps each command with its arguments, the events, until its next flush (10 s): under
        // load that is more memory than everything else together. Who wants the spans sets the option to false.
        builder.AddRedisClient(
            ConnectionName,
            settings => settings.DisableTracing = builder.Configuration.GetValue("Aspire:StackExchange:Redis:DisableTracing", true),
            Configure);
        builder.Services.AddOptions<TopicLogOptions>()
            .BindConfiguration(TopicLogOptions.SectionName)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<ITopicLog, RedisTopicLog>();
        return builder;
    }

    private static void Configure(ConfigurationOptions options)
    {
        // The service starts without Redis, says so in /health, and connects when Redis comes.
        options.AbortOnConnectFail = false;
        // A publish while Redis is away is refused at once instead of waiting in a queue for its timeout.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        // Threads of its own would have to be switched to and back for each answer. Nothing here blocks the pool's threads.
        options.SocketManager = SocketManager.ThreadPool;
        options.ReconnectRetryPolicy = new ExponentialRetry(100, 2_000);
    }
}
