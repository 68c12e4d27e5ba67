using SseApp.ServiceDefaults.Cluster.Protocol;
using Microsoft.AspNetCore.Http;
using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Requests;

public sealed class StreamRequestsTests
{
    [Theory]
    [InlineData("/events", "*/*", true, false)]
    [InlineData("/events", "text/event-stream", true, true)]
    [InlineData("/Events/", "*/*", true, false)]
    [InlineData("/live", "TEXT/Event-Stream", true, true)]
    [InlineData("/live", "application/json, text/event-stream;q=0.5", true, true)]
    [InlineData("/live", "text/event-stream;q=0", false, false)]
    [InlineData("/live", "text/event-stream-like", false, false)]
    [InlineData("/eventsx", "*/*", false, false)]
    [InlineData("/topics/a/events", "application/json", false, false)]
    public void Streams_are_told_by_path_or_by_what_the_client_accepts(string path, string accept, bool stream, bool eventSource)
    {
        var request = new DefaultHttpContext().Request;
        request.Path = path;
        request.Headers.Accept = accept;

        Assert.Equal((stream, eventSource), (StreamRequests.IsStream(request), EventStreams.IsAccepted(request)));
    }

    [Theory]
    [InlineData("/publish")]
    [InlineData("/topics/a/events")]
    public void A_publish_is_no_stream_whatever_its_publisher_accepts(string path)
    {
        var request = new DefaultHttpContext().Request;
        request.Method = HttpMethods.Post;
        request.Path = path;
        request.Headers.Accept = "application/json, text/event-stream";

        Assert.False(StreamRequests.IsStream(request));
    }
}
