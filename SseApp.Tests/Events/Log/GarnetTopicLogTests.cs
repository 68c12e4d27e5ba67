namespace SseApp.Tests.Events.Log;

public sealed class GarnetTopicLogTests(GarnetServer server) : TopicLogTests(server), IClassFixture<GarnetServer>;
