namespace SseApp.ServiceDefaults.Defaults.Keys;

/// <summary>
/// Files that only this user can read, from the moment in which they exist. On Windows the folder says who may: a user's own
/// folders are the user's alone.
/// </summary>
internal static class PrivateFile
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, Own | UnixFileMode.UserExecute);
        }
    }

    /// <param name="path">The file.</param>
    /// <param name="mode">Whether it may be there already.</param>
    public static FileStream OpenWrite(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Own;
        }

        return new FileStream(path, options);
    }

    /// <summary>
    /// Makes a file of one line, whole or not at all, unless it is there: several processes may start at the same moment, and
    /// the first one's is everybody's.
    /// </summary>
    /// <exception cref="IOException">It can be neither made nor is it there.</exception>
    public static void WriteOnce(string path, string line)
    {
        try
        {
            Write(path, file =>
            {
                using var writer = new StreamWriter(file);
                writer.Write(line + "\n");
            }, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another one was first.
        }
    }

    /// <summary>
    /// Writes a file as a whole, in the place of the one that is there, so that nobody reads half of it. Who may read that one, such
    /// as a container's user, may read this one.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes what is in it.</param>
    public static void Replace(string path, Action<Stream> write) => Write(path, write, overwrite: true);

    private static void Write(string path, Action<Stream> write, bool overwrite)
    {
        var part = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            using (var file = OpenWrite(part, FileMode.CreateNew))
            {
                write(file);
            }

            if (overwrite && !OperatingSystem.IsWindows() && File.Exists(path))
            {
                File.SetUnixFileMode(part, File.GetUnixFileMode(path));
            }

            File.Move(part, path, overwrite);
        }
        finally
        {
            File.Delete(part);
        }
    }
}
