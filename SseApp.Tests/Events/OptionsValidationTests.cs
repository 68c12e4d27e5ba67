namespace SseApp.Tests.Events;

public sealed class OptionsValidationTests
{
    [Theory]
    [InlineData("Streaming:MaxTopics", "0", "MaxTopics")]
    [InlineData("Streaming:RetryMin", "00:00:10", "RetryMax")]
    [InlineData("Streaming:HeartbeatInterval", "00:00:00", "HeartbeatInterval")]
    [InlineData("Cluster:KeyPrefix", "a b", "KeyPrefix")]
    [InlineData("TopicLog:MaxEvents", "0", "MaxEvents")]
    [InlineData("TopicLog:Overrides:0:Pattern", "a b*", "TopicLog:Overrides:0:Pattern is 'a b*'; it cannot match")]
    [InlineData("TopicLog:Overrides:0:MaxEvents", "5", "TopicLog:Overrides:0")]
    [InlineData("Topics:CheckInterval", "00:00:00", "CheckInterval")]
    [InlineData("Publishing:MaxEventBytes", "-1", "MaxEventBytes")]
    [InlineData("Drain:Window", "-00:00:01", "Window")]
    [InlineData("Replica:AdvertisedAddress", "http://0.0.0.0:80", "AdvertisedAddress")]
    [InlineData("Replica:AdvertisedAddress", "ftp://host", "AdvertisedAddress")]
    [InlineData("Replica:AdvertisedAddress", "http://xn--e\u00e6hocalhostxample.xampl\u00a4.", "AdvertisedAddress")]
    [InlineData("ReplicaRegistry:Expiry", "00:00:01", "heartbeats")]
    public async Task A_wrong_setting_stops_the_start_and_is_named(string key, string value, string named)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(
            () => EventsHost.StartAsync("127.0.0.1:1,connectTimeout=50", null, (key, value)));

        Assert.Contains(exception is AggregateException all ? all.InnerExceptions : [exception], inner => inner is OptionsValidationException);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }
}
