using System.Runtime.InteropServices;

namespace SseApp.Bench.Generator;

/// <summary>
/// The few calls of the C library that the event loop needs. The runtime's own socket engine spends several
/// microseconds a wake-up on queues and threads, which would make the generator the bottleneck of what it measures.
/// </summary>
internal static partial class Libc
{
    public const int In = 1;
    public const int Out = 4;
    public const int Error = 8;
    public const int HangUp = 16;
    public const int Add = 1;
    public const int Delete = 2;
    public const int Modify = 3;
    public const int TryAgain = 11;
    public const int InProgress = 115;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;
    private const int OpenFiles = 7;
    private const int SpareFiles = 500;
    private const int Stream = 1;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int ProtocolTcp = 6;
    private const int NoDelay = 1;
    private const int SocketLevel = 1;
    private const int Linger = 13;
    private const int NoSignal = 0x4000;
    private const int CpuClock = 2;

    /// <summary>Fails where a load cannot run: the system is another one, or it allows too few open files.</summary>
    /// <param name="files">Sockets that one process needs.</param>
    /// <param name="load">What needs them.</param>
    /// <param name="options">What to lower.</param>
    public static void RequireFiles(int files, string load, string options)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new BenchException("The bench reads /proc and drives epoll by its x64 layout; it runs on Linux x64 only.");
        }

        var needed = files + SpareFiles;
        if (getrlimit(OpenFiles, out var limit) < 0)
        {
            throw Failure("getrlimit", "");
        }

        if (limit.Soft < (ulong)needed)
        {
            throw new BenchException($"The limit of open files is {limit.Soft}; {load} need {needed}. Raise it (ulimit -n {needed}) or lower {options}.");
        }
    }

    /// <summary>A non-blocking TCP socket on its way to a server.</summary>
    public static unsafe int Connect(IPEndPoint server)
    {
        // As the kernel takes it: the family comes first.
        var address = server.Serialize();
        var fd = socket(MemoryMarshal.Read<ushort>(address.Buffer.Span), Stream | NonBlocking | CloseOnExec, ProtocolTcp);
        if (fd < 0)
        {
            throw Failure("socket", "Raise the limit of open files (ulimit -n).");
        }

        var on = 1;
        _ = setsockopt(fd, ProtocolTcp, NoDelay, in on, sizeof(int));
        fixed (byte* pointer = address.Buffer.Span)
        {
            if (connect(fd, pointer, address.Size) < 0 && Marshal.GetLastPInvokeError() is not InProgress and var error)
            {
                _ = close(fd);
                throw new BenchException($"Connecting to {server} failed: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }

        return fd;
    }

    /// <summary>Closes with a reset: ten thousand sockets in TIME_WAIT would use up the ports of the next run.</summary>
    public static void Reset(int fd)
    {
        var linger = 1L;
        _ = setsockopt(fd, SocketLevel, Linger, in linger, sizeof(long));
        _ = close(fd);
    }

    public static int Epoll() => epoll_create1(CloseOnExec) is >= 0 and var fd ? fd : throw Failure("epoll_create1", "");

    public static void Control(int epoll, int operation, int fd, int events, int tag)
    {
        var interest = new EpollEvent { Events = events, Tag = tag };
        if (epoll_ctl(epoll, operation, fd, ref interest) < 0)
        {
            throw Failure("epoll_ctl", "");
        }
    }

    public static unsafe int Wait(int epoll, Span<EpollEvent> events, int milliseconds)
    {
        fixed (EpollEvent* pointer = events)
        {
            // Interrupted by a signal is as good as nothing ready.
            return Math.Max(0, epoll_wait(epoll, pointer, events.Length, milliseconds));
        }
    }

    /// <returns>Bytes read; 0 at the end; -1 when there is nothing yet; -2 when the connection is broken.</returns>
    public static unsafe int Receive(int fd, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            return Result(recv(fd, pointer, buffer.Length, 0));
        }
    }

    /// <returns>As <see cref="Receive"/>.</returns>
    public static unsafe int Send(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            return Result(send(fd, pointer, bytes.Length, NoSignal));
        }
    }

    /// <summary>Sends a signal; a process that is gone already is no error.</summary>
    public static void Signal(int pid, int signal) => _ = kill(pid, signal);

    /// <summary>CPU time of a process so far, to the nanosecond: /proc counts it in hundredths of a second.</summary>
    public static double CpuMicroseconds(int pid)
    {
        // As clock_getcpuclockid makes it.
        if (clock_gettime((~pid << 3) | CpuClock, out var time) < 0)
        {
            throw Failure("clock_gettime", "");
        }

        return (time.Seconds * 1e6) + (time.Nanoseconds / 1e3);
    }

    private static int Result(nint count) =>
        count >= 0 ? (int)count : Marshal.GetLastPInvokeError() == TryAgain ? -1 : -2;

    private static BenchException Failure(string call, string advice) =>
        new($"{call}: {Marshal.GetLastPInvokeErrorMessage()}. {advice}".TrimEnd());

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int connect(int fd, byte* address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, in int value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, in long value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, ref EpollEvent interest);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int epoll_wait(int epoll, EpollEvent* events, int capacity, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint recv(int fd, byte* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint send(int fd, byte* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int clock_gettime(int clock, out Time time);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out ResourceLimit limit);

    /// <summary>The kernel packs this structure on x64 only.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    internal struct EpollEvent
    {
        public int Events;
        public int Tag;
        public int Unused;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ResourceLimit(ulong Soft, ulong Hard);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Time(long Seconds, long Nanoseconds);
}
