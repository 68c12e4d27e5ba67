using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>What a Unix socket says of its other side. Other than TCP it tells one that has closed from one that only says no more.</summary>
internal static partial class PeerEnd
{
    // Linux: poll.h.
    private const short Hung = 0x10;
    private const short SaysNoMore = 0x2000;

    /// <summary>Whether the other side has closed, or says no more.</summary>
    public static (bool Closed, bool HalfClosed) Of(Socket socket)
    {
        var question = new Question { Descriptor = (int)socket.SafeHandle.DangerousGetHandle(), Events = SaysNoMore };
        return poll(ref question, 1, 0) < 0 ? (true, false) : ((question.Answer & Hung) != 0, (question.Answer & SaysNoMore) != 0);
    }

#pragma warning disable SYSLIB1092, IDE1006, CA2101, CA5392 // The name is the system's.
    [LibraryImport("libc")]
    private static partial int poll(ref Question question, nuint count, int milliseconds);
#pragma warning restore SYSLIB1092, IDE1006, CA2101, CA5392

    [StructLayout(LayoutKind.Sequential)]
    private struct Question
    {
        public int Descriptor;
        public short Events;
        public short Answer;
    }
}
