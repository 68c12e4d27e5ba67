using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace SseApp.Bench.Load;

/// <summary>The data of one event: <c>{sequence};{time stamp};</c> and filling up to the wanted size.</summary>
internal static class Payload
{
    public static string Create(long sequence, int size) =>
        string.Create(CultureInfo.InvariantCulture, $"{sequence};{Stopwatch.GetTimestamp()};").PadRight(size, 'x');

    /// <summary>Reads back the sequence number and the time stamp (<see cref="Stopwatch"/> ticks of this process).</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out long sequence, out long timestamp)
    {
        timestamp = 0;
        return Utf8Parser.TryParse(data, out sequence, out var used)
            && used < data.Length && data[used] == (byte)';'
            && Utf8Parser.TryParse(data[(used + 1)..], out timestamp, out _);
    }

    public static ReadOnlySpan<byte> DataPrefix => "data: "u8;

    public static byte[] Request(Uri url, string topic) => Encoding.ASCII.GetBytes(
        $"GET /events?topic={topic} HTTP/1.1\r\nHost: {url.Authority}\r\nAccept: text/event-stream\r\n\r\n");
}
