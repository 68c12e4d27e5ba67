namespace SseApp.Bench.Generator;

/// <summary>The data of one event: <c>{lane};{number};{time};</c> and filling up to the wanted size.</summary>
internal static class Payload
{
    private static readonly Stopwatch s_clock = Stopwatch.StartNew();

    /// <summary>Microseconds since this process started measuring.</summary>
    public static long Now => s_clock.ElapsedTicks / (Stopwatch.Frequency / 1_000_000);

    public static string Create(int lane, long sequence, int size) =>
        string.Create(CultureInfo.InvariantCulture, $"{lane};{sequence};{Now};").PadRight(size, 'x');

    /// <returns>False for data that this generator did not send, such as <c>stream.open</c>.</returns>
    public static bool TryParse(ReadOnlySpan<byte> data, out int lane, out long sequence, out long sentAt)
    {
        var index = data.Length > 0 && data[0] == ' ' ? 1 : 0;
        var parsed = Number(data, ref index, out var first) & Number(data, ref index, out sequence) & Number(data, ref index, out sentAt);
        lane = (int)first;
        return parsed;
    }

    private static bool Number(ReadOnlySpan<byte> data, ref int index, out long value)
    {
        value = 0;
        var begin = index;
        while ((uint)index < (uint)data.Length)
        {
            var digit = (uint)(data[index] - '0');
            if (digit > 9)
            {
                break;
            }

            value = (value * 10) + digit;
            index++;
        }

        return index > begin && (uint)index < (uint)data.Length && data[index++] == ';';
    }
}
