using SseApp.Gateway.Requests;

namespace SseApp.Tests.Gateway.Requests;

public sealed class ClientRequestTests
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
    public void Streams_are_recognised_by_path_or_by_what_the_client_accepts(string path, string accept, bool stream, bool eventSource)
    {
        var context = new DefaultHttpContext { Request = { Path = path } };
        context.Request.Headers.Accept = accept;

        var request = ClientRequest.Classify(context);

        Assert.Equal((stream, eventSource), (request.IsStream, request.AcceptsEventStream));
    }

    [Theory]
    [InlineData("/publish")]
    [InlineData("/topics/a/events")]
    public void A_publish_is_no_stream_whatever_its_publisher_accepts(string path)
    {
        var context = new DefaultHttpContext { Request = { Method = HttpMethods.Post, Path = path } };
        context.Request.Headers.Accept = "application/json, text/event-stream";

        Assert.Equal(RequestKind.Publish, ClientRequest.Classify(context).Kind);
    }
}
