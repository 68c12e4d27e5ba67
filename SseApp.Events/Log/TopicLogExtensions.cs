namespace SseApp.Events.Log;

internal static class TopicLogExtensions
{
    /// <summary>Adds the topic log on the cluster's Redis.</summary>
    public static IHostApplicationBuilder AddTopicLog(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<TopicLogOptions>(TopicLogOptions.SectionName);
        builder.Services.AddSingleton<ITopicLog, RedisTopicLog>();
        return builder;
    }
}
