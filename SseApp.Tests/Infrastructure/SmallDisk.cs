namespace SseApp.Tests.Infrastructure;

/// <summary>A file system of a few megabytes, which a test fills up.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-disk-");

    private SmallDisk()
    {
    }

    public string Folder => _folder.FullName;

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Whether this process could mount one; otherwise it is a folder like any other.</summary>
    public bool IsSmall { get; private set; }

    public static async Task<SmallDisk> MountAsync()
    {
        var disk = new SmallDisk();
        disk.IsSmall = OperatingSystem.IsLinux() && await RunAsync("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk.Folder) == 0;
        return disk;
    }

    public void Require() => Assert.SkipUnless(IsSmall, "No file system can be mounted here (that takes the rights of root on Linux).");

    public void Fill()
    {
        using var filler = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var zeros = new byte[4096];
        try
        {
            while (true)
            {
                filler.Write(zeros);
            }
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    public void Free() => File.Delete(Filler);

    public async ValueTask DisposeAsync()
    {
        if (IsSmall)
        {
            await RunAsync("umount", Folder);
        }

        _folder.Delete(recursive: true);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        await using var process = ChildProcess.Start(new ProcessStartInfo(program, arguments));
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
