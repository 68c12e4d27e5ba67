using System.Runtime.InteropServices;

namespace SseApp.ServiceDefaults.Defaults.Keys;

/// <summary>What Linux says of a file, and the platform does not: whose it is, and of what kind.</summary>
internal static partial class FileStatus
{
    // fcntl.h and linux/stat.h. The same for all architectures.
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint WantKind = 0x1;
    private const uint WantOwner = 0x8;
    private const uint WantChange = 0x80 | 0x100;
    private const int MayRead = 4;
    private const int SizeOfStatus = 256;
    private const int OffsetOfOwner = 20;
    private const int OffsetOfMode = 28;
    private const int OffsetOfInode = 32;
    private const int OffsetOfChange = 96;
    private const ushort KindOfMode = 0xF000;
    private const ushort Regular = 0x8000;
    private const ushort Pipe = 0x1000;
    private const int WriteOnlyWithoutWait = 0x1 | 0x800;
    private const int NobodyThere = 6;

    /// <summary>
    /// Whether this is a file with bytes of its own. Opening a named pipe waits for whoever writes to it, and reading a device may
    /// never end. A link is not followed. True where the system does not say.
    /// </summary>
    public static bool IsRegular(string path)
    {
        Span<byte> status = stackalloc byte[SizeOfStatus];
        return !Ask(CurrentDirectory, path, NoFollow, WantKind, status) || (MemoryMarshal.Read<ushort>(status[OffsetOfMode..]) & KindOfMode) == Regular;
    }

    /// <summary>Whether this is a named pipe that nobody reads: opening it to write would wait until somebody does. False where the system does not say.</summary>
    public static bool IsPipeWithoutReader(string path)
    {
        Span<byte> status = stackalloc byte[SizeOfStatus];
        if (!Ask(CurrentDirectory, path, 0, WantKind, status) || (MemoryMarshal.Read<ushort>(status[OffsetOfMode..]) & KindOfMode) != Pipe)
        {
            return false;
        }

        var file = open(path, WriteOnlyWithoutWait);
        if (file < 0)
        {
            return Marshal.GetLastPInvokeError() == NobodyThere;
        }

        _ = close(file);
        return false;
    }

    /// <summary>Whether this process may read it. True where the system does not say.</summary>
    public static bool IsReadable(string path)
    {
        try
        {
            return OperatingSystem.IsWindows() || faccessat(CurrentDirectory, path, MayRead, 0) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return true;
        }
    }

    /// <summary>Number of the user to whom an open file belongs; null where the system does not say.</summary>
    public static uint? Owner(SafeHandle file)
    {
        Span<byte> status = stackalloc byte[SizeOfStatus];
        return Ask((int)file.DangerousGetHandle(), "", EmptyPath, WantOwner, status) ? MemoryMarshal.Read<uint>(status[OffsetOfOwner..]) : null;
    }

    /// <summary>Number of the user to whom a file or folder belongs; null where the system does not say.</summary>
    public static uint? Owner(string path)
    {
        Span<byte> status = stackalloc byte[SizeOfStatus];
        return Ask(CurrentDirectory, path, 0, WantOwner, status) ? MemoryMarshal.Read<uint>(status[OffsetOfOwner..]) : null;
    }

    /// <summary>
    /// Number of a file, and the time of its last change, which programs that unpack or copy cannot set, as nanoseconds since 1970; null
    /// where the system does not say.
    /// </summary>
    public static (ulong Inode, long Changed)? Version(string path)
    {
        Span<byte> status = stackalloc byte[SizeOfStatus];
        return Ask(CurrentDirectory, path, 0, WantChange, status)
            ? (MemoryMarshal.Read<ulong>(status[OffsetOfInode..]), (MemoryMarshal.Read<long>(status[OffsetOfChange..]) * 1_000_000_000) + MemoryMarshal.Read<uint>(status[(OffsetOfChange + sizeof(long))..]))
            : null;
    }

    private static bool Ask(int directory, string path, int flags, uint mask, Span<byte> status)
    {
        try
        {
            return !OperatingSystem.IsWindows() && statx(directory, path, flags, mask, status) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            // Not Linux.
            return false;
        }
    }

#pragma warning disable SYSLIB1092, IDE1006, CA2101, CA5392 // The name is the system's.
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int file);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int faccessat(int directory, string path, int mode, int flags);
#pragma warning restore SYSLIB1092, IDE1006, CA2101, CA5392
}
