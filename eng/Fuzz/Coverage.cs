using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace SseApp.Fuzz;

/// <summary>
/// Which branches an input took, and about how often: the map of American Fuzzy Lop
/// (https://lcamtuf.coredump.cx/afl/technical_details.txt, section 1), which SharpFuzz's counters write to.
/// </summary>
internal static unsafe class Coverage
{
    private const int Size = 1 << 16;

    private static readonly byte* s_map = (byte*)NativeMemory.AllocZeroed(Size);
    private static readonly byte[] s_seen = new byte[Size];

    /// <summary>Branches that any input took.</summary>
    public static int Branches { get; private set; }

    /// <summary>Call before anything instrumented runs.</summary>
    public static void Begin()
    {
        NativeMemory.Clear(s_map, Size);
        Trace.SharedMem = s_map;
        Trace.PrevLocation = 0;
    }

    /// <summary>Forgets what earlier inputs did: another target follows.</summary>
    public static void Forget()
    {
        Array.Clear(s_seen);
        Branches = 0;
    }

    /// <summary>True if the input since <see cref="Begin"/> did what none before it did.</summary>
    public static bool IsNew()
    {
        var isNew = false;
        var words = (ulong*)s_map;
        for (var i = 0; i < Size / 8; i++)
        {
            if (words[i] == 0)
            {
                continue;
            }

            for (var at = i * 8; at < (i * 8) + 8; at++)
            {
                var bucket = Bucket(s_map[at]);
                if ((bucket & ~s_seen[at]) != 0)
                {
                    Branches += s_seen[at] == 0 ? 1 : 0;
                    s_seen[at] |= bucket;
                    isNew = true;
                }
            }
        }

        return isNew;
    }

    private static byte Bucket(byte count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
