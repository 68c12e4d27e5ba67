using System.Net.Sockets;
using HdrHistogram;

namespace SseApp.Bench.Generator;

/// <summary>How long a client waits for its stream: from the request on an open connection to the first byte of the body.</summary>
internal static class FirstByteProbe
{
    private const int Limit = 10_000;

    /// <summary>Opens streams one after the other and closes each as soon as it has begun.</summary>
    /// <returns>Milliseconds: the median, and what 99 of 100 stay below.</returns>
    public static (double P50, double P99) Measure(Target target, string topic, int count)
    {
        var request = target.StreamRequest(topic);
        var histogram = new LongHistogram(1, 60_000_000, 3);
        for (var i = 0; i < count; i++)
        {
            histogram.RecordValue((long)Math.Max(1, Open(target.EndPoints[0], request).TotalMicroseconds));
        }

        return (histogram.GetValueAtPercentile(50) / 1000d, histogram.GetValueAtPercentile(99) / 1000d);
    }

    private static TimeSpan Open(IPEndPoint server, byte[] request)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Limit };
        // Nobody waits in TIME_WAIT for a client of loopback.
        socket.LingerState = new LingerOption(true, 0);
        socket.Connect(server);
        var started = Stopwatch.GetTimestamp();
        socket.Send(request);
        var buffer = new byte[8 * 1024];
        var length = 0;
        while (true)
        {
            var count = socket.Receive(buffer, length, buffer.Length - length, SocketFlags.None);
            var elapsed = Stopwatch.GetElapsedTime(started);
            length += count;
            var head = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (head >= 0 && length > head + 4)
            {
                return elapsed;
            }

            if (count == 0 || length == buffer.Length)
            {
                throw new BenchException($"A stream did not begin: {Encoding.ASCII.GetString(buffer, 0, length)}");
            }
        }
    }
}
