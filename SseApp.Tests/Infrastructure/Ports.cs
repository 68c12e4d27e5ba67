namespace SseApp.Tests.Infrastructure;

/// <summary>
/// Ports for programs that are told where to listen. They lie below those that the system gives to whoever asks for any, and
/// all test runs on the machine count through them together: nobody else takes one before the program listens.
/// </summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Count = 12_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);
    private static readonly string s_counter = Path.Combine(Path.GetTempPath(), "sseapp-tests.port");

    public static int Next()
    {
        using var counter = Lock();
        Span<byte> last = stackalloc byte[sizeof(int)];
        var number = counter.ReadAtLeast(last, last.Length, throwOnEndOfStream: false) == last.Length ? BitConverter.ToInt32(last) : 0;
        do
        {
            number = (number + 1) % Count;
        }
        while (!IsFree(First + number));

        BitConverter.TryWriteBytes(last, number);
        counter.Position = 0;
        counter.Write(last);
        return First + number;
    }

    private static FileStream Lock()
    {
        FileStream? counter = null;
        return SpinWait.SpinUntil(() => (counter = TryLock()) is not null, s_limit)
            ? counter!
            : throw new TimeoutException($"{s_counter} was locked by other processes for {s_limit.TotalSeconds} s.");
    }

    private static FileStream? TryLock()
    {
        try
        {
            return new FileStream(s_counter, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Any, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
