using SseApp.Events.Topics;

namespace SseApp.Tests.Events.FanOut;

/// <summary>A delivery makes no garbage: that would be the first thing that many streams feel.</summary>
public sealed class AllocationTests
{
    private const int Streams = 200;
    private const int Events = 50;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task From_one_stream_to_the_next_the_fan_out_allocates_nothing()
    {
        var log = new ScriptedTopicLog(1);
        await using var rig = new HubRig(log, ringBytes: 1024 * 1024);
        var writer = new AllocationWriter();
        for (var i = 0; i < Streams; i++)
        {
            await rig.OpenAsync(ResumePoint.Live, writer);
        }

        await Eventually.Async(() => writer.Sends == Streams, s_limit, "all streams to be open");
        for (var i = 1; i <= Events; i++)
        {
            log.Publish($"{i}", lost: false, delayed: false);
            await Eventually.Async(() => writer.Sends == Streams * (i + 1), s_limit, $"event {i} at all streams");
        }

        // A thread of the pool does other work too, between one round of streams and the next.
        var (pairs, free) = writer.Pairs;
        Assert.True(pairs > Streams * Events / 2, $"Only {pairs} sends came after another one on the same thread.");
        Assert.True(free > pairs * 9 / 10, $"Between {pairs - free} of {pairs} sends and the one before something was allocated.");
    }

    [Fact]
    public void A_send_that_the_socket_takes_allocates_nothing()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using var server = listener.Accept();
        var writer = new SocketStreamWriter(new DefaultHttpContext(), server);
        var buffer = new SendBuffer(1024);
        var received = new byte[64 * 1024];
        Send(1);
        client.Receive(received);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(client.Receive(received) > 0, "Nothing was sent.");

        void Send(int count)
        {
            for (var i = 0; i < count; i++)
            {
                buffer.Clear();
                "data: hello\n\n"u8.CopyTo(buffer.GetSpan(13));
                buffer.Advance(13);
                var send = writer.SendAsync(buffer);
                if (!send.IsCompletedSuccessfully || !send.Result)
                {
                    throw new InvalidOperationException("The socket did not take the bytes.");
                }
            }
        }
    }
}
